import { readFrontMatter } from '../markdown/front-matter.ts'
import { clip } from '../markdown/clip.ts'
import { outline, type Section } from '../markdown/outline.ts'
import { LibraryError } from './library-error.ts'

/** One runbook, as its file says. All of it is text that people wrote: data to whoever reads it, never an instruction. */
export interface Runbook {
  /** The file's name without `.md`. */
  readonly id: string
  /** The first heading of level 1. */
  readonly title: string
  /** The first paragraph below it. */
  readonly summary: string
  /** What it is about, such as `presto`. */
  readonly services: readonly string[]
  readonly owner: string | undefined
  /** Day of its last review, as its file says: ISO 8601. */
  readonly reviewed: string | undefined
  /** Whom to call when the steps do not help, in that order. */
  readonly escalation: readonly string[]
  readonly text: string
  readonly sections: readonly Section[]
}

const LONGEST = { title: 200, summary: 400, field: 200, entries: 20 } as const
const DAY = /^\d{4}-\d{2}-\d{2}$/

/** @throws LibraryError `runbook_refused` for a text without a title */
export function parseRunbook(id: string, file: string): Runbook {
  const { fields, body } = readFrontMatter(file)
  const text = body.replace(/^\n+/, '').trimEnd()
  const sections = outline(text)
  const titled = sections.find(({ level, path }) => level === 1 && path[0] !== '')
  const [title] = titled?.path ?? []
  if (!titled || title === undefined) throw new LibraryError('runbook_refused', 'it has no heading of level 1')
  const reviewed = fields.get('reviewed')
  return {
    id,
    title: clip(title, LONGEST.title),
    summary: summaryOf(text.slice(titled.start, titled.end)),
    services: listOf(fields.get('services'), ',').map((service) => service.toLowerCase()),
    owner: fields.has('owner') ? clip(fields.get('owner') ?? '', LONGEST.field) : undefined,
    reviewed: reviewed !== undefined && DAY.test(reviewed) ? reviewed : undefined,
    escalation: listOf(fields.get('escalation'), ';'),
    text,
    sections,
  }
}

function summaryOf(section: string): string {
  const [, ...below] = section.split('\n')
  const paragraph =
    below
      .join('\n')
      .trim()
      .split(/\n\s*\n/)[0] ?? ''
  return clip(paragraph.replaceAll(/\s+/g, ' '), LONGEST.summary)
}

function listOf(value: string | undefined, separator: string): readonly string[] {
  return (value ?? '')
    .split(separator)
    .map((entry) => clip(entry.trim(), LONGEST.field))
    .filter((entry) => entry !== '')
    .slice(0, LONGEST.entries)
}
