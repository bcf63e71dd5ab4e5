import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SELF_REGISTERED } from '@gatehouse/contracts'
import { errors, type Interaction, type Provider } from 'oidc-provider'
import { readBody } from './body.ts'
import { problemPage } from './error-page.ts'
import { sendPage } from './page.ts'
import { findPerson, LOCAL_PASSWORD, people } from './people.ts'
import { type SignInView, signInPage } from './sign-in-page.ts'

const ROUTE = /^\/interaction\/([A-Za-z0-9_-]{1,64})(\/sign-in|\/cancel)?$/

/** Answers the requests of the sign-in page; false where the path is another's. */
export async function handleSignIn(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  const match = ROUTE.exec(path)
  if (!match) return false
  const action = match[2] ?? ''
  if (request.method !== (action === '' ? 'GET' : 'POST')) return false
  if (action !== '' && !sameOrigin(request, provider.issuer)) {
    sendPage(response, 403, problemPage('Refused', 'The form was sent from another site.', 'origin_refused'))
    return true
  }
  const interaction = await current(provider, request, response, match[1] ?? '')
  if (!interaction) {
    const message = 'This sign-in has expired or was finished already.'
    sendPage(response, 410, problemPage('Sign-in expired', message, 'sign_in_expired'))
  } else if (action === '/cancel') {
    await finish(provider, request, response, {
      error: 'access_denied',
      error_description: 'the person cancelled the sign-in',
    })
  } else if (action === '/sign-in') {
    await submit(provider, interaction, request, response)
  } else {
    sendPage(response, 200, signInPage(await view(provider, interaction)))
  }
  return true
}

async function submit(
  provider: Provider,
  interaction: Interaction,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const form = new URLSearchParams(await readBody(request, 'application/x-www-form-urlencoded'))
  const user = form.get('user') ?? ''
  const person = findPerson(user)
  const problem = !person
    ? 'Choose a person.'
    : passwordMatches(form.get('password') ?? '')
      ? undefined
      : 'That password is not right.'
  if (!person || problem !== undefined) {
    const page = signInPage({ ...(await view(provider, interaction)), chosen: user, problem: problem ?? '' })
    return sendPage(response, 422, page)
  }
  // Whoever signs in here has been told for whom: a request for consent (OpenID Connect Core 1.0 section 3.1.2.1) is answered by it too.
  const login = { accountId: person.user, amr: ['pwd'], remember: false }
  await finish(provider, request, response, { login, consent: {} })
}

async function view(provider: Provider, interaction: Interaction): Promise<SignInView> {
  const client = await provider.Client.find(String(interaction.params['client_id']))
  return {
    path: `/interaction/${interaction.uid}`,
    clientName: client?.clientName ?? 'An application',
    selfRegistered: client?.clientId.startsWith(SELF_REGISTERED) ?? true,
    redirectUri: String(interaction.params['redirect_uri']),
    people,
  }
}

/** The interaction that the path names, if the browser's own cookie names it too. */
async function current(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  uid: string,
): Promise<Interaction | undefined> {
  try {
    const interaction = await provider.interactionDetails(request, response)
    return interaction.uid === uid && interaction.prompt.name === 'login' ? interaction : undefined
  } catch (error) {
    if (error instanceof errors.OIDCProviderError) return undefined
    throw error
  }
}

async function finish(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
  result: Readonly<Record<string, unknown>>,
): Promise<void> {
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

/** A browser always names the origin of a form post; its cookies are SameSite=Lax besides. */
function sameOrigin(request: IncomingMessage, issuer: string): boolean {
  const { origin } = request.headers
  return origin === undefined || origin === issuer
}

function passwordMatches(given: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(LOCAL_PASSWORD))
}
