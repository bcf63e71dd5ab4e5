/** A piece of SQL for colouring. The pieces joined are the text, exactly: nothing is re-formatted. */
export interface SqlToken {
  readonly kind: 'keyword' | 'string' | 'comment' | 'number' | 'plain'
  readonly text: string
}

const TOKEN =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?(?:\*\/|$))|(?<string>'(?:[^']|'')*(?:'|$)|"(?:[^"]|"")*(?:"|$))|(?<number>\b\d+(?:\.\d+)?\b)|(?<word>[A-Za-z_][A-Za-z0-9_]*)/g

const KEYWORDS = new Set(
  (
    'all alter and any as asc between by call case cast create cross cube delete desc describe distinct drop else end escape except exists ' +
    'explain false fetch filter first following for from full grant group grouping having if ilike in inner insert intersect interval into ' +
    'is join last lateral left like limit matched merge natural not null nulls offset on or order outer over partition preceding range ' +
    'replace right rollup row rows schema select set show some table then to true truncate unbounded union unnest update using values view ' +
    'when where window with'
  ).split(' '),
)

/** Longer text is left uncoloured: colouring must not hold the page up. Characters. */
const LIMIT = 50_000

export function sqlTokens(text: string): readonly SqlToken[] {
  if (text.length > LIMIT) return [{ kind: 'plain', text }]
  const tokens: SqlToken[] = []
  let end = 0
  for (const match of text.matchAll(TOKEN)) {
    if (match.index > end) tokens.push({ kind: 'plain', text: text.slice(end, match.index) })
    tokens.push({ kind: kindOf(match), text: match[0] })
    end = match.index + match[0].length
  }
  if (end < text.length) tokens.push({ kind: 'plain', text: text.slice(end) })
  return tokens
}

function kindOf(match: RegExpMatchArray): SqlToken['kind'] {
  if (match.groups?.['comment'] !== undefined) return 'comment'
  if (match.groups?.['string'] !== undefined) return 'string'
  if (match.groups?.['number'] !== undefined) return 'number'
  return KEYWORDS.has(match[0].toLowerCase()) ? 'keyword' : 'plain'
}
