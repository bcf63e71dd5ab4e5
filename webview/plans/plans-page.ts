import { css, html, LitElement, nothing, type TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import '@vscode-elements/elements/dist/vscode-button/index.js'
import { type DecidedStep, type PlanView, type PlansRequest, PlansState, type StepView } from '../../src/messages.ts'
import { connectHost } from '../host.ts'
import { outsiderStyles } from '../styles.ts'
import { ARMING_DELAY, Arming } from './arming.ts'
import './step-card.ts'
import type { StepChoice } from './step-card.ts'
import { timeLeft } from './time-left.ts'

/** The Plans view: what waits for the person, by plan, and what was decided. */
export class PlansPage extends LitElement {
  static override properties = { state: { state: true }, announcement: { state: true } }
  declare private state: PlansState | undefined
  declare private announcement: string

  static override styles = [
    outsiderStyles,
    css`
      :host {
        display: block;
        padding: 8px 12px 16px;
        color: var(--vscode-foreground);
        font-family: var(--vscode-font-family);
        font-size: var(--vscode-font-size);
      }
      h2,
      h3 {
        font-size: 1em;
        margin: 8px 0 2px;
      }
      h2:focus {
        outline: none;
      }
      .plan {
        margin-bottom: 14px;
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        justify-content: space-between;
        gap: 0 8px;
      }
      summary {
        cursor: pointer;
        padding: 2px 0;
        overflow-wrap: anywhere;
      }
      summary:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
      }
      .all {
        display: flex;
        flex-wrap: wrap;
        gap: 6px;
      }
      .spoken {
        position: absolute;
        width: 1px;
        height: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
    `,
  ]

  readonly #arming = new Arming()
  readonly #send = connectHost<PlansState, PlansRequest>(PlansState, (state) => this.#receive(state))
  /** Host clock minus ours, milliseconds. */
  #clockOffset = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.announcement = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    document.addEventListener('visibilitychange', this.#restart)
    this.#timer = setInterval(() => this.requestUpdate(), 1000)
    this.#send({ kind: 'ready' })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    document.removeEventListener('visibilitychange', this.#restart)
    clearInterval(this.#timer)
  }

  readonly #restart = (): void => {
    this.#arming.restart(performance.now())
    this.#updateWhenArmed()
  }

  #receive(state: PlansState): void {
    const before = new Set(pendingSteps(this.state?.pending ?? []).map((step) => step.id))
    const fresh = pendingSteps(state.pending).filter((step) => !before.has(step.id))
    if (fresh.length > 0) this.announcement = announce(fresh)
    this.#clockOffset = state.now - Date.now()
    this.state = state
    const layout = JSON.stringify(state.pending.map((plan) => plan.steps.map((step) => [step.id, step.status])))
    this.#arming.showing(layout, performance.now())
    this.#updateWhenArmed()
  }

  #updateWhenArmed(): void {
    this.requestUpdate()
    setTimeout(() => this.requestUpdate(), ARMING_DELAY + 20)
  }

  override render(): TemplateResult {
    const { state } = this
    return html`
      <div class="spoken" role="status" aria-live="polite">${this.announcement}</div>
      <main>
        <h1 class="spoken">Plans</h1>
        ${state === undefined ? nothing : this.#content(state)}
      </main>
    `
  }

  #content(state: PlansState): TemplateResult {
    return html`
      <h2 tabindex="-1">Waiting for you</h2>
      ${
        state.pending.length === 0
          ? this.#nothingWaits(state)
          : repeat(
              state.pending,
              (plan) => plan.id,
              (plan) => this.#plan(plan),
            )
      }
      ${
        state.history.length === 0
          ? nothing
          : html`<h2>Decided</h2>${repeat(
              state.history,
              (plan) => plan.id,
              (plan) => this.#past(plan),
            )}`
      }
    `
  }

  #nothingWaits(state: PlansState): TemplateResult {
    if (!state.signedIn) {
      return html`
        <p>Sign in, and the changes that agents propose will wait here for you.</p>
        <vscode-button @click=${() => this.#send({ kind: 'sign-in' })}>Sign In</vscode-button>
      `
    }
    return html`<p class="quiet">Nothing waits. When an agent wants to change data, or to run something costly, it stops here until you have decided.</p>`
  }

  #plan(plan: PlanView): TemplateResult {
    const pending = plan.steps.filter((step) => step.decidable)
    const armed = this.#armed()
    return html`
      <section class="plan" aria-label="Plan of ${plan.title}">
        <h3>${plan.title}</h3>
        <div class="facts quiet">
          <span>${plan.proposedBy}, ${clock(plan.createdAt)}</span>
          <span>${timeLeft(plan.expiresAt - (Date.now() + this.#clockOffset))}</span>
        </div>
        ${repeat(
          plan.steps,
          (step) => step.id,
          (step) =>
            html`<gh-step .step=${step} .armed=${armed} @decide=${(event: CustomEvent<StepChoice>) => this.#decide([step], event.detail)}></gh-step>`,
        )}
        ${pending.length < 2 ? nothing : this.#allButtons(pending, armed)}
      </section>
    `
  }

  #allButtons(pending: readonly StepView[], armed: boolean): TemplateResult {
    const decide = (choice: StepChoice) => () => {
      if (this.#armed()) this.#decide(pending, choice)
    }
    return html`
      <div class="all">
        <vscode-button secondary aria-disabled=${String(!armed)} @click=${decide({ kind: 'reject', reason: '' })}>Reject all ${pending.length}</vscode-button>
        <vscode-button aria-disabled=${String(!armed)} @click=${decide({ kind: 'approve' })}>Approve all ${pending.length}</vscode-button>
      </div>
    `
  }

  #past(plan: PlanView): TemplateResult {
    const tools = plan.steps.map((step) => step.tool).join(', ')
    const outcomes = plan.steps.map((step) => step.statusWords).join(', ')
    return html`
      <details>
        <summary>${tools}<span class="quiet">, ${outcomes}</span></summary>
        <p class="quiet">${plan.proposedBy}, ${clock(plan.createdAt)}</p>
        ${plan.steps.map((step) => html`<gh-step .step=${step}></gh-step>`)}
      </details>
    `
  }

  #armed(): boolean {
    return document.visibilityState === 'visible' && this.#arming.armed(performance.now())
  }

  #decide(steps: readonly StepView[], choice: StepChoice): void {
    const decided: DecidedStep[] = steps.map(({ id, argumentsDigest }) => ({ id, argumentsDigest }))
    this.#send(
      choice.kind === 'approve'
        ? { kind: 'approve', steps: decided }
        : { kind: 'reject', steps: decided, reason: choice.reason },
    )
    // The button that had the focus is about to go; the focus must not fall on another decision.
    this.renderRoot.querySelector<HTMLElement>('h2')?.focus()
  }
}
customElements.define('gh-plans', PlansPage)

function pendingSteps(plans: readonly PlanView[]): readonly StepView[] {
  return plans.flatMap((plan) => plan.steps).filter((step) => step.decidable)
}

function announce(steps: readonly StepView[]): string {
  const [first] = steps
  if (steps.length === 1 && first)
    return `A step waits for you: ${first.tool} on ${first.server}. ${first.effectWords}.`
  return `${steps.length} steps wait for you.`
}

/** Local time of day, `14:03`. */
function clock(time: number): string {
  return new Date(time).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}
