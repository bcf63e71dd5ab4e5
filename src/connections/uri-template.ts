/** One part of a URI template (RFC 6570): literal text, or what an expression may stand for. */
type Part =
  | { readonly kind: 'literal'; readonly text: string }
  | {
      readonly kind: 'expression'
      readonly prefix: string
      /** Characters that the expanded value may hold. */
      readonly allowed: RegExp
      /** Form-style queries vanish when their variables are not defined. */
      readonly optional: boolean
    }

const SEGMENT = /[^/?#]/
const FORMS: Readonly<Record<string, readonly [prefix: string, allowed: RegExp, optional: boolean]>> = {
  '': ['', SEGMENT, false],
  '+': ['', /[^]/, false],
  '#': ['#', /[^]/, false],
  '.': ['.', SEGMENT, false],
  '/': ['/', /[^?#]/, false],
  ';': [';', SEGMENT, false],
  '?': ['?', /[^#]/, true],
  '&': ['&', /[^#]/, true],
}
/** A dot segment, percent-encoded or not: a server that resolves it reads another place than the one that was matched. */
const DOT_SEGMENT = /(?:^|[/\\])(?:\.|%2e){1,2}(?:[/\\?#]|$)/i
const MAX_URI = 2000

/**
 * Whether `uri` can be an expansion of `template`. Takes time in proportion to their lengths, whatever they are. A template that cannot be
 * read matches nothing, and so does a URI with a dot segment.
 */
export function matchesTemplate(template: string, uri: string): boolean {
  const parts = partsOf(template)
  if (!parts || uri.length > MAX_URI || !URL.canParse(uri) || DOT_SEGMENT.test(uri)) return false
  let reached = new Set([0])
  for (const part of parts) {
    reached = new Set(part.kind === 'literal' ? literalEnds(part.text, uri, reached) : valueEnds(part, uri, reached))
  }
  return reached.has(uri.length)
}

function literalEnds(text: string, uri: string, starts: ReadonlySet<number>): number[] {
  return [...starts].filter((at) => uri.startsWith(text, at)).map((at) => at + text.length)
}

/** Every place where a value that begins at one of `starts` may end, found in one walk over the URI. */
function valueEnds(part: Part & { kind: 'expression' }, uri: string, starts: ReadonlySet<number>): number[] {
  const ends = part.optional ? [...starts] : []
  const begins = new Set(
    [...starts].filter((at) => uri.startsWith(part.prefix, at)).map((at) => at + part.prefix.length),
  )
  let inside = false
  for (let at = 0; at < uri.length; at++) {
    inside = (inside || begins.has(at)) && part.allowed.test(uri.charAt(at))
    if (inside) ends.push(at + 1)
  }
  return ends
}

function partsOf(template: string): readonly Part[] | undefined {
  const parts: Part[] = []
  for (const [index, piece] of template.split(/\{([^{}]*)\}/).entries()) {
    if (index % 2 === 0) {
      if (/[{}]/.test(piece)) return undefined
      parts.push({ kind: 'literal', text: piece })
      continue
    }
    const operator = /^[+#./;?&]/.exec(piece)?.[0] ?? ''
    const form = FORMS[operator]
    if (!form || !/^\w[\w.%]*(?::\d+|\*)?(?:,\w[\w.%]*(?::\d+|\*)?)*$/.test(piece.slice(operator.length)))
      return undefined
    const [prefix, allowed, optional] = form
    parts.push({ kind: 'expression', prefix, allowed, optional })
  }
  return parts
}
