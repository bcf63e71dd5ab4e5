import { clip } from '../markdown/clip.ts'
import type { Runbook } from '../library/runbook.ts'
import type { IndexedRunbook, IndexedSection } from './indexed-runbook.ts'
import { wordsOf, wordsOfQuery } from './words.ts'

export interface Passage {
  readonly runbook: Runbook
  /** Headings from the title down. */
  readonly path: readonly string[]
  readonly excerpt: string
}

/** Words of a question that count. */
const MOST_WORDS = 12
/** What a word counts for where it stands. The body's share approaches its weight as the word is repeated (BM25's saturation). */
const WEIGHT = { about: 5, heading: 3, body: 2 } as const
const SATURATION = 1.5
/** Passages of one runbook, so that a long one does not hide the others. */
const PER_RUNBOOK = 2
const EXCERPT = 500

/** The passages that fit a question, best first. One word that fits is enough; more of them weigh more than one word often. */
export function searchRunbooks(runbooks: readonly IndexedRunbook[], query: string): readonly Passage[] {
  const wanted = wordsOfQuery(query, MOST_WORDS)
  const rarity = new Map(wanted.map((word) => [word, rarityOf(word, runbooks)]))
  return runbooks
    .flatMap(({ runbook, about, sections }) =>
      sections
        .map((section) => ({ runbook, section, score: scoreOf(section, about, rarity) }))
        .filter(({ score }) => score > 0)
        .sort((a, b) => b.score - a.score)
        .slice(0, PER_RUNBOOK),
    )
    .sort((a, b) => b.score - a.score || (a.runbook.id < b.runbook.id ? -1 : 1))
    .map(({ runbook, section: { section } }) => ({
      runbook,
      path: section.path,
      excerpt: excerptOf(runbook.text.slice(section.start, section.end), wanted),
    }))
}

/** Inverse document frequency, never below 0. */
function rarityOf(word: string, runbooks: readonly IndexedRunbook[]): number {
  const having = runbooks.filter(
    ({ about, sections }) => about.has(word) || sections.some(({ counts }) => counts.has(word)),
  )
  return Math.log(1 + (runbooks.length - having.length + 0.5) / (having.length + 0.5))
}

function scoreOf(section: IndexedSection, about: ReadonlySet<string>, rarity: ReadonlyMap<string, number>): number {
  let score = 0
  let fitting = 0
  for (const [word, rare] of rarity) {
    const times = section.counts.get(word) ?? 0
    const fit =
      (about.has(word) ? WEIGHT.about : 0) +
      (section.heading.has(word) ? WEIGHT.heading : 0) +
      (WEIGHT.body * times) / (times + SATURATION)
    if (fit > 0) fitting += 1
    score += rare * fit
  }
  return rarity.size === 0 ? 0 : score * (fitting / rarity.size)
}

/** The paragraph with the most words of the question; its heading is told apart from it. */
function excerptOf(text: string, wanted: readonly string[]): string {
  const paragraphs = text
    .split(/\n\s*\n/)
    .map((paragraph) => paragraph.replace(/^ {0,3}#{1,6}[ \t].*\n?/, '').trim())
    .filter((paragraph) => paragraph !== '')
  const fits = (paragraph: string): number => {
    const words = new Set(wordsOf(paragraph))
    return wanted.filter((word) => words.has(word)).length
  }
  const [best] = paragraphs.map((paragraph) => ({ paragraph, fit: fits(paragraph) })).sort((a, b) => b.fit - a.fit)
  return clip(best?.paragraph ?? '', EXCERPT)
}
