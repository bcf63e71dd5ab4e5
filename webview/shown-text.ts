import { html, nothing, type TemplateResult } from 'lit'
import type { ShownText } from '../src/messages.ts'

/** Splits at the marks that the host put in place of unseen characters, so that they can be coloured. */
const MARK = /(⟦U\+[0-9A-F]{4,6}⟧)/

/** Text of an outsider, as text; unseen characters stand out. */
export function shownText(shown: ShownText): TemplateResult | string {
  if (shown.hidden === 0) return shown.text
  return html`${shown.text.split(MARK).map((part) => (MARK.test(part) ? html`<mark>${part}</mark>` : part))}`
}

export function hiddenWarning(...texts: readonly ShownText[]): TemplateResult | typeof nothing {
  const hidden = texts.reduce((sum, text) => sum + text.hidden, 0)
  if (hidden === 0) return nothing
  const words = hidden === 1 ? '1 character that cannot be seen is' : `${hidden} characters that cannot be seen are`
  return html`<p class="warning"><vscode-icon name="warning"></vscode-icon>${words} spelled out below. Look closely before you decide.</p>`
}
