import { UrlElicitationRequiredError } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { ConnectionError } from './errors.ts'

const Page = z.object({ url: z.string().max(2000), message: z.string(), elicitationId: z.string().max(1000) })
const MAX_PAGES = 3

/** A page that a server wants the person to visit before it does what it was asked for. All of it is untrusted. */
export type RequiredPage = z.infer<typeof Page>

/**
 * A server of the 2025-11-25 era may refuse a request until the person has been to a page (error -32042, URL elicitation required; nothing
 * has run). Each page is shown, one after the other; where the person goes to all of them the request is made once more.
 * @param show whether the person goes there
 * @throws ConnectionError `page_required` where the person does not go, or is not done there yet
 */
export async function afterPages<T>(ask: () => Promise<T>, show: (page: RequiredPage) => Promise<boolean>): Promise<T> {
  const pages = await ask().then(
    (value) => ({ value }),
    (error: unknown) => pagesOf(error),
  )
  if ('value' in pages) return pages.value
  for (const page of pages.required) {
    if (!(await show(page)))
      throw pageRequired('The person did not go to the page that the server asks for. Nothing was run.', pages.cause)
  }
  return ask().catch((error: unknown) => {
    if (!(error instanceof UrlElicitationRequiredError)) throw error
    throw pageRequired(
      'The person was sent to a page of the server and is not done there. Nothing was run; ask again when they are.',
      error,
    )
  })
}

/** @throws the error itself where it is another, or names no page that could be shown */
function pagesOf(error: unknown): { readonly required: readonly RequiredPage[]; readonly cause: unknown } {
  if (!(error instanceof UrlElicitationRequiredError)) throw error
  const required = z.array(Page).min(1).max(MAX_PAGES).safeParse(error.elicitations)
  if (!required.success) throw error
  return { required: required.data, cause: error }
}

function pageRequired(message: string, cause: unknown): ConnectionError {
  return new ConnectionError('page_required', message, { cause })
}
