import { ToolError } from '@gatehouse/kit'
import type { Runbook } from '../library/runbook.ts'
import { clip } from '../markdown/clip.ts'

const JOINT = ' > '
/** UTF-16 code units of one answer: well below what a result may be, in whatever script it is written. */
const PAGE = 24_000
/** Sections that are named; a runbook with more is read in parts. */
const MOST_SECTIONS = 200

export interface Part {
  readonly section: string | null
  readonly sections: readonly string[]
  readonly text: string
  readonly offset: number
  readonly nextOffset: number | null
}

/** A part of a runbook: whole, or a section with what is below it. @throws ToolError `section_unknown`, `offset_past_end` */
export function readPart(runbook: Runbook, wanted: string | undefined, offset: number): Part {
  const sections = sectionsOf(runbook)
  const { name, text } =
    wanted === undefined ? { name: null, text: runbook.text } : sectionText(runbook, wanted, sections)
  if (offset > 0 && offset >= text.length) {
    throw new ToolError('offset_past_end', `there are only ${text.length} characters`, 'Read from offset 0.')
  }
  const page = clip(text.slice(offset), PAGE)
  const end = offset + page.length
  return { section: name, sections, text: page, offset, nextOffset: end < text.length ? end : null }
}

export function pathText(path: readonly string[]): string {
  return path.join(JOINT)
}

function sectionsOf({ sections }: Runbook): readonly string[] {
  return [...new Set(sections.map(({ path }) => pathText(path)))].filter((name) => name !== '').slice(0, MOST_SECTIONS)
}

function sectionText(runbook: Runbook, wanted: string, known: readonly string[]) {
  const path = pathNamed(runbook, wanted)
  if (!path) {
    const some = known.slice(0, 20).join('; ')
    throw new ToolError('section_unknown', `${runbook.id} has no section of that name`, `It has: ${some}.`)
  }
  const below = runbook.sections.filter((section) => path.every((heading, level) => section.path[level] === heading))
  const start = below[0]?.start ?? 0
  const end = below.at(-1)?.end ?? start
  return { name: pathText(path), text: runbook.text.slice(start, end).trimEnd() }
}

/** By the whole path, else by the last heading alone; in any case of letters. */
function pathNamed({ sections }: Runbook, wanted: string): readonly string[] | undefined {
  const same = (text: string | undefined): boolean => text?.toLowerCase() === wanted.trim().toLowerCase()
  const found = sections.find(({ path }) => same(pathText(path))) ?? sections.find(({ path }) => same(path.at(-1)))
  return found?.path
}
