/** Words that nearly every runbook has, and that say nothing of what is looked for. */
const COMMON = new Set(
  'a an and are as at be by can do does for from has have how i in is it its my not of on or that the this to was what when where which why will with you your'.split(
    ' ',
  ),
)
const ENDINGS = ['ing', 'ed', 'es', 's', 'e'] as const
const SHORTEST = 3

/** Words as they are compared: one form for `Query`, `queries`; `refuse`, `refused`, `refusing`. Parts of `unknown_tool` are words. */
export function wordsOf(text: string): readonly string[] {
  return (
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  ).map(stem)
}

/** The words of a question that tell runbooks apart, each once; all of them where there is no such word. */
export function wordsOfQuery(query: string, most: number): readonly string[] {
  const plain =
    query
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  const telling = plain.filter((word) => !COMMON.has(word))
  return [...new Set((telling.length > 0 ? telling : plain).map(stem))].slice(0, most)
}

function stem(word: string): string {
  if (word.endsWith('ies') && word.length > SHORTEST + 2) return `${word.slice(0, -3)}y`
  if (word.endsWith('ss')) return word
  const ending = ENDINGS.find((known) => word.endsWith(known) && word.length - known.length >= SHORTEST)
  return ending === undefined ? word : word.slice(0, -ending.length)
}
