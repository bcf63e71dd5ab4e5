import type { Runbook } from '../library/runbook.ts'
import type { Section } from '../markdown/outline.ts'
import { wordsOf } from './words.ts'

export interface IndexedSection {
  readonly section: Section
  readonly heading: ReadonlySet<string>
  /** How often each word stands in it. */
  readonly counts: ReadonlyMap<string, number>
}

/** A runbook with what is looked up in it, made once per change of its file. */
export interface IndexedRunbook {
  readonly runbook: Runbook
  /** Words of its title, its id and its services. */
  readonly about: ReadonlySet<string>
  readonly sections: readonly IndexedSection[]
}

export function indexRunbook(runbook: Runbook): IndexedRunbook {
  return {
    runbook,
    about: new Set(wordsOf([runbook.title, runbook.id, ...runbook.services].join(' '))),
    sections: runbook.sections.map((section) => ({
      section,
      heading: new Set(wordsOf(section.path.slice(1).join(' '))),
      counts: counted(wordsOf(runbook.text.slice(section.start, section.end))),
    })),
  }
}

function counted(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1)
  return counts
}
