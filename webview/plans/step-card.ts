import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import '@vscode-elements/elements/dist/vscode-button/index.js'
import '@vscode-elements/elements/dist/vscode-icon/index.js'
import '@vscode-elements/elements/dist/vscode-textfield/index.js'
import type { ArgumentView, StepView } from '../../src/messages.ts'
import { hiddenWarning, shownText } from '../shown-text.ts'
import { outsiderStyles } from '../styles.ts'
import { sqlTokens } from './sql-tokens.ts'

/** What a person decided on a step, as the event `decide` carries it. */
export type StepChoice = { readonly kind: 'approve' } | { readonly kind: 'reject'; readonly reason: string }

const EFFECT_ICONS = { read: 'eye', expensive: 'flame', write: 'edit' } as const
const STATUS_ICONS = {
  pending: 'bell-dot',
  approved: 'check',
  running: 'loading',
  rejected: 'circle-slash',
  withdrawn: 'discard',
  expired: 'clock',
  done: 'pass-filled',
  failed: 'error',
} as const

/** One step of a plan: all that a person needs to decide, and while it is pending, the buttons. */
export class StepCard extends LitElement {
  static override properties = { step: { attribute: false }, armed: { type: Boolean }, sent: { state: true } }
  declare step: StepView
  declare armed: boolean
  /** A decision is on its way: the buttons are gone, so that it is sent once. */
  declare private sent: boolean

  static override styles = [
    outsiderStyles,
    css`
      :host {
        display: block;
        border: 1px solid var(--vscode-panel-border, var(--vscode-widget-border, transparent));
        border-left: 3px solid var(--vscode-panel-border, transparent);
        border-radius: 3px;
        padding: 8px 10px;
        margin: 6px 0;
      }
      :host([decidable]) {
        border-left-color: var(--vscode-notificationsWarningIcon-foreground);
        background: var(--vscode-editorWidget-background);
      }
      h4 {
        margin: 0;
        font-size: 1em;
        overflow-wrap: anywhere;
      }
      .effect {
        display: flex;
        align-items: center;
        gap: 4px;
        margin: 4px 0;
      }
      .effect.write,
      .effect.expensive {
        color: var(--vscode-editorWarning-foreground, inherit);
        font-weight: 600;
      }
      .risk,
      .orphaned,
      .status {
        margin: 4px 0;
      }
      .status {
        display: flex;
        align-items: center;
        gap: 4px;
        color: var(--vscode-descriptionForeground);
      }
      dl {
        margin: 6px 0;
      }
      dt {
        color: var(--vscode-descriptionForeground);
        margin-top: 4px;
      }
      dd {
        margin: 2px 0 0;
      }
      ul {
        margin: 2px 0 4px;
        padding-left: 18px;
      }
      .keyword {
        color: var(--vscode-symbolIcon-keywordForeground, inherit);
        font-weight: 600;
      }
      .string {
        color: var(--vscode-debugTokenExpression-string, inherit);
      }
      .number {
        color: var(--vscode-debugTokenExpression-number, inherit);
      }
      .comment {
        color: var(--vscode-descriptionForeground);
        font-style: italic;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
        margin-top: 8px;
      }
      vscode-textfield {
        width: 100%;
        margin-top: 6px;
      }
    `,
  ]

  constructor() {
    super()
    this.armed = false
    this.sent = false
  }

  override willUpdate(): void {
    this.toggleAttribute('decidable', this.step.decidable)
    if (!this.step.decidable) this.sent = false
  }

  override render(): TemplateResult {
    const { step } = this
    return html`
      <article aria-labelledby="title">
        <h4 id="title">${step.tool} <span class="quiet">on</span> ${step.server}</h4>
        <p class="effect ${step.effect}"><vscode-icon name=${EFFECT_ICONS[step.effect]}></vscode-icon>${step.effectWords}</p>
        ${hiddenWarning(step.summary, ...step.touches, ...step.arguments.flatMap((argument) => [argument.name, argument.value]))}
        <p class="summary outsider">${shownText(step.summary)}</p>
        <dl>${step.arguments.map((argument) => argumentBlock(argument))}</dl>
        ${step.touches.length === 0 ? nothing : touched(step)}
        ${step.decidable ? html`<p class="risk">${step.risk}</p>` : nothing}
        ${step.orphaned ? html`<p class="orphaned">The chat no longer waits for this step. If you approve it, it runs once, and the chat can ask for its outcome.</p>` : nothing}
        <p class="status"><vscode-icon name=${STATUS_ICONS[step.status]} ?spin=${step.status === 'running'}></vscode-icon>${step.statusWords}</p>
        ${step.outcome ? html`<pre class="outsider" tabindex="0" aria-label="Outcome">${shownText(step.outcome)}</pre>` : nothing}
        ${step.decidable ? this.#decision() : nothing}
      </article>
    `
  }

  #decision(): TemplateResult {
    if (this.sent) return html`<p class="status">Sending your decision…</p>`
    const what = `${this.step.tool} on ${this.step.server}`
    return html`
      <vscode-textfield id="reason" maxlength="2000" placeholder="Reason, if you reject (the agent reads it)" label="Reason, if you reject ${what}"></vscode-textfield>
      <div class="buttons">
        <vscode-button secondary aria-label="Reject ${what}" aria-disabled=${String(!this.armed)} @click=${this.#reject}>Reject</vscode-button>
        <vscode-button aria-label="Approve ${what}" aria-disabled=${String(!this.armed)} @click=${this.#approve}>Approve</vscode-button>
      </div>
    `
  }

  readonly #approve = (): void => this.#decide({ kind: 'approve' })

  readonly #reject = (): void => {
    const field = this.renderRoot.querySelector<HTMLElement & { value: string }>('#reason')
    this.#decide({ kind: 'reject', reason: field?.value.trim() ?? '' })
  }

  #decide(choice: StepChoice): void {
    if (!this.armed || this.sent) return
    this.sent = true
    this.dispatchEvent(new CustomEvent<StepChoice>('decide', { detail: choice }))
  }
}
customElements.define('gh-step', StepCard)

function argumentBlock(argument: ArgumentView): TemplateResult {
  const colour = argument.format === 'sql' && argument.value.hidden === 0
  const value = colour
    ? html`${sqlTokens(argument.value.text).map((token) => (token.kind === 'plain' ? token.text : html`<span class=${token.kind}>${token.text}</span>`))}`
    : shownText(argument.value)
  const lines = argument.value.text.split('\n').length
  const extent =
    lines > 12 || argument.value.text.length > 1200
      ? html` <span class="quiet">(${lines} lines, ${argument.value.text.length} characters: scroll to see all)</span>`
      : nothing
  // The whole text is on one line of the template: inside <pre>, layout of the template would show.
  return html`<dt>${shownText(argument.name)}${extent}</dt><dd><pre class="outsider" tabindex="0" aria-label=${argument.name.text}>${value}</pre></dd>`
}

function touched(step: StepView): TemplateResult {
  return html`
    <p class="quiet">${step.server} says it will touch:</p>
    <ul>${step.touches.map((line) => html`<li class="outsider">${shownText(line)}</li>`)}</ul>
  `
}
