export function jsonRequest(signal: AbortSignal | undefined): RequestInit {
  return { headers: { accept: 'application/json' }, ...(signal ? { signal } : {}) }
}

/** The body of a 200 that says it is JSON and is; `undefined` for every other answer, such as a web page. */
export async function jsonOf(response: Response): Promise<unknown> {
  const type = response.headers.get('content-type') ?? ''
  if (response.status !== 200 || !/^application\/([a-z0-9.+-]+\+)?json\b/i.test(type)) return undefined
  try {
    return (await response.json()) as unknown
  } catch {
    return undefined
  }
}
