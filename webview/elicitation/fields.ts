import { html, nothing, type TemplateResult } from 'lit'
import type { FieldValue, FormField } from '../../src/messages.ts'

/** One labelled field. Native inputs, so that keyboard and screen reader work as everywhere; the theme's colours come from the page. */
export function fieldRow(field: FormField, id: string, problem: string | undefined): TemplateResult {
  const described = [field.description === undefined ? '' : `${id}-help`, problem === undefined ? '' : `${id}-problem`]
    .join(' ')
    .trim()
  const help =
    field.description === undefined ? nothing : html`<p class="quiet outsider" id="${id}-help">${field.description}</p>`
  const wrong = problem === undefined ? nothing : html`<p class="error" id="${id}-problem">${problem}</p>`
  const state: FieldState = { id, described, invalid: problem !== undefined }
  if (field.kind === 'choices') {
    return html`<fieldset id=${id} tabindex="-1" aria-describedby=${described || nothing} aria-invalid=${state.invalid}>
      <legend>${label(field)}</legend>${help}${field.choices.map((choice) => checkbox(field, choice))}${wrong}
    </fieldset>`
  }
  if (field.kind === 'boolean') {
    return html`<div class="field"><label class="check">${input(field, state)}<span class="outsider">${field.title}</span></label>${help}${wrong}</div>`
  }
  return html`<div class="field"><label for=${id}>${label(field)}</label>${help}${input(field, state)}${wrong}</div>`
}

interface FieldState {
  readonly id: string
  readonly described: string
  readonly invalid: boolean
}

function label(field: FormField): TemplateResult {
  return html`<span class="outsider">${field.title}</span>${field.required ? html` <span class="quiet">(required)</span>` : nothing}`
}

function checkbox(field: FormField & { kind: 'choices' }, choice: { value: string; title: string }): TemplateResult {
  return html`<label class="check"><input type="checkbox" name=${field.name} value=${choice.value} ?checked=${field.initial.includes(choice.value)} /><span class="outsider">${choice.title}</span></label>`
}

function input(field: Exclude<FormField, { kind: 'choices' }>, { id, described, invalid }: FieldState): TemplateResult {
  const about = described === '' ? nothing : described
  switch (field.kind) {
    case 'boolean':
      return html`<input type="checkbox" id=${id} name=${field.name} aria-describedby=${about} aria-invalid=${invalid} ?checked=${field.initial} />`
    case 'choice':
      return html`<select id=${id} name=${field.name} aria-describedby=${about} aria-invalid=${invalid} aria-required=${field.required}>
        <option value="" ?selected=${field.initial === undefined}>Choose…</option>
        ${field.choices.map((choice, index) => html`<option value=${String(index)} ?selected=${choice.value === field.initial}>${choice.title}</option>`)}
      </select>`
    case 'number':
      return html`<input type="text" inputmode=${field.integer ? 'numeric' : 'decimal'} id=${id} name=${field.name} aria-describedby=${about} aria-invalid=${invalid} aria-required=${field.required} value=${field.initial === undefined ? '' : String(field.initial)} />`
    case 'text':
      return html`<input type=${TEXT_TYPES[field.format ?? 'none']} id=${id} name=${field.name} aria-describedby=${about} aria-invalid=${invalid} aria-required=${field.required} value=${field.initial ?? ''} autocomplete="off" />`
  }
}

const TEXT_TYPES = { none: 'text', email: 'email', uri: 'url', date: 'date', 'date-time': 'text' } as const

/** What stands in the form. An empty optional field is left out; text that is no number is sent as text, for the host to refuse. */
export function readFields(root: ParentNode, fields: readonly FormField[]): Record<string, FieldValue> {
  const entries = fields.map((field, index): [string, FieldValue | undefined] => [
    field.name,
    readField(root, field, `field-${index}`),
  ])
  return Object.fromEntries(entries.filter((entry): entry is [string, FieldValue] => entry[1] !== undefined))
}

function readField(root: ParentNode, field: FormField, id: string): FieldValue | undefined {
  if (field.kind === 'choices') {
    const chosen = [...root.querySelectorAll<HTMLInputElement>(`#${id} input:checked`)].map((box) => box.value)
    return chosen.length === 0 && !field.required ? undefined : chosen
  }
  if (field.kind === 'choice') {
    const { value } = root.querySelector<HTMLSelectElement>(`#${id}`) ?? { value: '' }
    return value === '' ? undefined : field.choices[Number(value)]?.value
  }
  const element = root.querySelector<HTMLInputElement>(`#${id}`)
  if (field.kind === 'boolean') return element?.checked ?? false
  const text = element?.value ?? ''
  if (text === '') return undefined
  if (field.kind === 'text') return text
  const number = Number(text.trim())
  return text.trim() === '' || Number.isNaN(number) ? text : number
}
