export interface FetchJsonOptions {
  readonly fetcher: typeof fetch
  /** Milliseconds, for the whole document. */
  readonly time: number
  /** Bytes of the body. */
  readonly most: number
}

/**
 * A JSON document of another service, bounded: no redirect, no more bytes than `most`, none after `time`.
 * @throws Error of any kind: the document is not to be had
 */
export async function fetchJson(url: string, { fetcher, time, most }: FetchJsonOptions): Promise<unknown> {
  const response = await fetcher(url, {
    signal: AbortSignal.timeout(time),
    redirect: 'error',
    headers: { accept: 'application/json' },
  })
  try {
    if (!response.ok) throw new TypeError(`${url} answered ${response.status}`)
    const chunks: Uint8Array[] = []
    let size = 0
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength
      if (size > most) throw new TypeError(`${url} answered with more than ${most} bytes`)
      chunks.push(chunk)
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown
  } finally {
    if (!response.bodyUsed) await response.body?.cancel().catch(() => undefined)
  }
}
