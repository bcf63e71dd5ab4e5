/** A heading with what stands under it, up to the next heading. */
export interface Section {
  /** Headings from the top down; empty for what stands above the first. */
  readonly path: readonly string[]
  /** Of its own heading, 1 to 6; 0 above the first. */
  readonly level: number
  /** Where it begins in the text that was read, its heading included; UTF-16 code units. */
  readonly start: number
  readonly end: number
}

/** ATX headings of CommonMark 0.31 section 4.2, of levels 1 to 6, with an optional closing sequence. */
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/
/** Fences of code blocks, section 4.5: within them nothing is a heading, such as a comment of a shell script. */
const FENCE = /^ {0,3}(`{3,}|~{3,})/

/** The sections of a Markdown text, in order. Together they are the whole text. */
export function outline(text: string): readonly Section[] {
  const sections: Section[] = []
  const open: { level: number; title: string }[] = []
  let start = 0
  let at = 0
  let fence: string | undefined
  const close = (end: number): void => {
    if (end > start) sections.push({ path: open.map(({ title }) => title), level: open.at(-1)?.level ?? 0, start, end })
    start = end
  }
  for (const line of text.split('\n')) {
    const mark = FENCE.exec(line)?.[1]
    if (mark !== undefined) fence = nextFence(fence, mark)
    const heading = fence === undefined && mark === undefined ? HEADING.exec(line) : null
    if (heading) {
      close(at)
      const level = heading[1]?.length ?? 1
      while ((open.at(-1)?.level ?? 0) >= level) open.pop()
      open.push({ level, title: (heading[2] ?? '').trim() })
    }
    at += line.length + 1
  }
  close(text.length)
  return sections
}

/** A block ends with a fence of the same character that is at least as long as the one that opened it. */
function nextFence(open: string | undefined, mark: string): string | undefined {
  if (open === undefined) return mark
  return mark[0] === open[0] && mark.length >= open.length ? undefined : open
}
