/** The lines `name: value` between two lines `---` at the top of a file, by lower-case name, and the text below them. */
export interface FrontMatter {
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
}

const FIELD = /^([A-Za-z][A-Za-z-]{0,39}):[ \t]*(.*)$/
const MARK = /^---[ \t]*$/

/** Not YAML: names and single lines are all that a runbook says of itself. What is no such block stays in the body, and is seen. */
export function readFrontMatter(text: string): FrontMatter {
  const none = { fields: new Map<string, string>(), body: text }
  const lines = text.split('\n')
  if (!MARK.test(lines[0] ?? '')) return none
  const end = lines.findIndex((line, index) => index > 0 && MARK.test(line))
  if (end === -1) return none
  const fields = new Map<string, string>()
  for (const line of lines.slice(1, end)) {
    if (line.trim() === '') continue
    const [, name, value] = FIELD.exec(line) ?? []
    if (name === undefined || value === undefined) return none
    fields.set(name.toLowerCase(), value.trim())
  }
  return { fields, body: lines.slice(end + 1).join('\n') }
}
