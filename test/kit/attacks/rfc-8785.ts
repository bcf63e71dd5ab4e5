/** A JSON value as its text says it: objects as lists of members, so that nothing a program does with objects can hide one. */
type Value =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'list'; readonly items: readonly Value[] }
  | { readonly kind: 'object'; readonly members: readonly (readonly [string, Value])[] }

const TOKEN = /[ \t\r\n]*(?:([{}[\]:,])|(true|false|null)|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|("(?:[^"\\]|\\.)*"))/y

/** Reads JSON text without `JSON.parse` for anything but single strings, so that the two readers can disagree. Valid text only. */
export function decoded(text: string): Value {
  let at = 0
  const next = () => {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (!match) throw new SyntaxError(`no JSON at ${at}`)
    at = TOKEN.lastIndex
    const [, mark, literal, number, quoted] = match
    return { mark, literal, number, quoted }
  }
  const peek = (mark: string) => {
    const before = at
    const is = next().mark === mark
    if (!is) at = before
    return is
  }
  const key = () => String(JSON.parse(next().quoted ?? ''))
  const value = (): Value => {
    const { mark, literal, number, quoted } = next()
    if (literal !== undefined) return { kind: 'literal', text: literal }
    if (number !== undefined) return { kind: 'number', value: Number(number) }
    if (quoted !== undefined) return { kind: 'text', value: String(JSON.parse(quoted)) }
    if (mark === '[') return { kind: 'list', items: separated(']', value) }
    return { kind: 'object', members: separated('}', member) }
  }
  const member = (): readonly [string, Value] => {
    const name = key()
    next()
    return [name, value()]
  }
  function separated<T>(end: string, item: () => T): T[] {
    const items: T[] = []
    if (peek(end)) return items
    do items.push(item())
    while (next().mark === ',')
    return items
  }
  return value()
}

/** RFC 8785, written from its text: members sorted by UTF-16 code units, numbers as ECMAScript writes them, strings escaped as section 3.2.2.2 says. */
export function canonical(value: Value): string {
  switch (value.kind) {
    case 'literal':
      return value.text
    case 'number':
      return String(value.value === 0 ? 0 : value.value)
    case 'text':
      return quoted(value.value)
    case 'list':
      return `[${value.items.map(canonical).join()}]`
    case 'object':
      return `{${[...value.members]
        .sort(([a], [b]) => compared(a, b))
        .map(([name, member]) => `${quoted(name)}:${canonical(member)}`)
        .join()}}`
  }
}

function compared(a: string, b: string): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = a.charCodeAt(index) - b.charCodeAt(index)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

const SHORT: Readonly<Record<string, string>> = {
  '\b': String.raw`\b`,
  '\t': String.raw`\t`,
  '\n': String.raw`\n`,
  '\f': String.raw`\f`,
  '\r': String.raw`\r`,
  '"': String.raw`\"`,
  '\\': String.raw`\\`,
}

function quoted(text: string): string {
  const escaped = text.replaceAll(
    /[\u0000-\u001f"\\]/g,
    (character) => SHORT[character] ?? String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}
