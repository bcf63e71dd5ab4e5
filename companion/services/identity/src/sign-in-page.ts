import { html, type Html } from './html.ts'
import type { Page } from './page.ts'
import { LOCAL_PASSWORD, type Person } from './people.ts'

export interface SignInView {
  /** Path of the interaction; the form posts below it. */
  readonly path: string
  readonly clientName: string
  /** Nobody but the client itself says what its name is. */
  readonly selfRegistered: boolean
  readonly people: readonly Person[]
  /** The client's redirect URI of this request, already checked against its registration. */
  readonly redirectUri: string
  readonly chosen?: string
  readonly problem?: string
}

/** The sign-in form: no script, one radio button per person, errors announced and tied to the field. */
export function signInPage(view: SignInView): Page {
  return {
    title: 'Sign in',
    formAction: redirectSource(view.redirectUri),
    body: html`<h1>Sign in to Gatehouse</h1>
      <p class="quiet">${view.clientName} asks who you are. This provider is for local development: choose a person to work as.</p>
      ${view.selfRegistered ? caution(view.redirectUri) : undefined}
      ${view.problem === undefined ? undefined : html`<p class="error" role="alert" id="problem">${view.problem}</p>`}
      <form method="post" action="${view.path}/sign-in">
        <fieldset>
          <legend>Person</legend>
          <div class="people">${view.people.map((person) => option(person, view.chosen))}</div>
        </fieldset>
        <label class="label" for="password">Password</label>
        <input class="field" id="password" name="password" type="password" autocomplete="off" required
          aria-describedby="hint${view.problem === undefined ? '' : ' problem'}" />
        <p class="quiet" id="hint">Everyone’s local password is <code>${LOCAL_PASSWORD}</code></p>
        <div class="actions">
          <button class="primary" type="submit">Sign in</button>
          <button type="submit" formaction="${view.path}/cancel" formnovalidate>Cancel</button>
        </div>
      </form>`,
  }
}

function caution(redirectUri: string): Html {
  const { protocol, host } = new URL(redirectUri)
  return html`<p class="caution">This application registered itself: its name is only what it says of itself. Your sign-in goes to
    <code>${protocol}//${host}</code>. Sign in only if you have just started it.</p>`
}

function option(person: Person, chosen: string | undefined): Html {
  const groups = person.groups.length === 0 ? 'no groups' : person.groups.join(', ')
  return html`<label class="person">
    <input type="radio" name="user" value="${person.user}" required ${person.user === chosen ? html`checked` : undefined} />
    <span>${person.name}<small>${person.role}</small><small>${groups}</small></span>
  </label>`
}

/** CSP source of where the browser goes after the form: browsers check `form-action` on every redirect that follows. */
function redirectSource(redirectUri: string): string {
  const { protocol, origin } = new URL(redirectUri)
  return protocol === 'http:' || protocol === 'https:' ? origin : protocol
}
