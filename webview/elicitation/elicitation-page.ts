import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import '@vscode-elements/elements/dist/vscode-button/index.js'
import '@vscode-elements/elements/dist/vscode-icon/index.js'
import { type ElicitationRequest, ElicitationView } from '../../src/messages.ts'
import { connectHost } from '../host.ts'
import { hiddenWarning, shownText } from '../shown-text.ts'
import { outsiderStyles } from '../styles.ts'
import { fieldRow, readFields } from './fields.ts'
import { fieldStyles } from './field-styles.ts'

/** A server's question to the person: a form, or an address to open. */
export class ElicitationPage extends LitElement {
  static override properties = { view: { state: true }, problems: { state: true } }
  declare private view: Exclude<ElicitationView, { kind: 'problems' }> | undefined
  declare private problems: Readonly<Record<string, string>>

  static override styles = [
    outsiderStyles,
    fieldStyles,
    css`
      :host {
        display: block;
        max-width: 44rem;
        padding: 16px 24px;
        color: var(--vscode-foreground);
        font-family: var(--vscode-font-family);
        font-size: var(--vscode-font-size);
      }
      h1 {
        font-size: 1.3em;
        margin: 0 0 4px;
      }
      .domain {
        font-size: 1.6em;
        font-weight: 600;
        overflow-wrap: anywhere;
        margin: 8px 0;
      }
      .buttons {
        display: flex;
        gap: 8px;
        margin-top: 16px;
      }
    `,
  ]

  readonly #send = connectHost<ElicitationView, ElicitationRequest>(ElicitationView, (view) => {
    if (view.kind === 'problems') void this.#showProblems(view.problems)
    else this.view = view
  })

  constructor() {
    super()
    this.problems = {}
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#send({ kind: 'ready' })
  }

  override render(): TemplateResult | typeof nothing {
    const { view } = this
    if (view === undefined) return nothing
    return html`
      <main>
        <h1>${view.server} asks you</h1>
        <p class="quiet">The question and everything in it come from ${view.server}. Do not enter passwords or other secrets.</p>
        ${hiddenWarning(view.message, ...(view.kind === 'url' ? [view.url] : []))}
        <p class="outsider">${shownText(view.message)}</p>
        ${view.kind === 'form' ? this.#form(view) : this.#address(view)}
      </main>
    `
  }

  #form(view: ElicitationView & { kind: 'form' }): TemplateResult {
    return html`
      <form novalidate @submit=${this.#submit}>
        ${view.fields.map((field, index) => fieldRow(field, `field-${index}`, this.problems[field.name]))}
        <p class="error" role="alert">${Object.keys(this.problems).length > 0 ? 'Some answers need another look.' : nothing}</p>
        ${this.#buttons('Submit', this.#submit)}
      </form>
    `
  }

  #address(view: ElicitationView & { kind: 'url' }): TemplateResult {
    return html`
      <p>It wants to open a page of</p>
      <p class="domain">${view.domain}</p>
      ${view.secure ? nothing : html`<p class="warning"><vscode-icon name="unlock"></vscode-icon>The connection to this page is not encrypted.</p>`}
      <pre class="outsider" tabindex="0" aria-label="Full address">${shownText(view.url)}</pre>
      <p class="quiet">It opens in your browser only if you accept. What you do there, Gatehouse does not see.</p>
      ${this.#buttons('Open in Browser', () => this.#send({ kind: 'accept' }))}
    `
  }

  #buttons(accept: string, onAccept: (event: Event) => void): TemplateResult {
    return html`
      <div class="buttons">
        <vscode-button @click=${onAccept}>${accept}</vscode-button>
        <vscode-button secondary @click=${() => this.#send({ kind: 'decline' })}>Decline</vscode-button>
        <vscode-button secondary @click=${() => this.#send({ kind: 'cancel' })}>Cancel</vscode-button>
      </div>
    `
  }

  readonly #submit = (event: Event): void => {
    event.preventDefault()
    if (this.view?.kind !== 'form') return
    this.problems = {}
    this.#send({ kind: 'accept', content: readFields(this.renderRoot, this.view.fields) })
  }

  async #showProblems(problems: Readonly<Record<string, string>>): Promise<void> {
    this.problems = problems
    await this.updateComplete
    this.renderRoot.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
  }
}
customElements.define('gh-elicitation', ElicitationPage)
