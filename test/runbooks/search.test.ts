import { join } from 'node:path'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { Library } from '../../companion/servers/runbooks/src/library/library.ts'
import { parseRunbook } from '../../companion/servers/runbooks/src/library/runbook.ts'
import { type IndexedRunbook, indexRunbook } from '../../companion/servers/runbooks/src/search/indexed-runbook.ts'
import { searchRunbooks } from '../../companion/servers/runbooks/src/search/search.ts'
import { wordsOf, wordsOfQuery } from '../../companion/servers/runbooks/src/search/words.ts'

const samples = join(import.meta.dirname, '../../companion/servers/runbooks/samples')
let runbooks: readonly IndexedRunbook[]
beforeAll(async () => {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  runbooks = await (await Library.open({ folder: samples, log })).runbooks()
})

describe('words', () => {
  it.each([
    ['refuse refused refusing refuses', 1],
    ['query queries', 1],
    ['table tables', 1],
    ['server_suspended', 2],
    ['Ａpproval APPROVAL', 1],
  ])('%s are %i', (text, count) => {
    expect(new Set(wordsOf(text)).size).toBe(count)
  })

  it('of a question are those that tell runbooks apart, unless there are no others', () => {
    expect(wordsOfQuery('What do I do when the query is refused?', 12)).toEqual(['query', 'refus'])
    expect(wordsOfQuery('what to do', 12)).toEqual(['what', 'to', 'do'])
    expect(wordsOfQuery('a1 b2 c3 d4', 2)).toEqual(['a1', 'b2'])
  })
})

describe('a search in the samples', () => {
  it.each([
    ['my query was refused with not_read_only', 'presto-query-refused'],
    ['cost limit exceeded, expensive query', 'presto-query-over-cost-limit'],
    ['yesterday is missing in the table', 'presto-table-not-fresh'],
    ['colleague sees a table and I do not', 'presto-table-denied'],
    ['approval_expired', 'gatehouse-approval-expired'],
    ['browser does not come back to VS Code after sign-in', 'gatehouse-sign-in-does-not-come-back'],
    ['server does not answer readyz', 'gatehouse-server-does-not-answer'],
    ['suspended because of drift', 'infra-server-suspended-for-drift'],
    ['airflow task queued for hours', 'airflow-task-stuck'],
    ['stuck', 'airflow-task-stuck'],
    ['executor OutOfMemoryError exit code 137', 'spark-out-of-memory'],
  ])('%j finds %s first', (query, id) => {
    expect(searchRunbooks(runbooks, query)[0]?.runbook.id).toBe(id)
  })

  it('leads to the section, with the paragraph that fits', () => {
    const [first] = searchRunbooks(runbooks, 'skewed join key')
    expect(first?.path).toEqual([
      'A Spark job runs out of memory',
      'Steps',
      'One task of a stage is much slower and larger than the others',
    ])
    expect(first?.excerpt).toContain('skew')
  })

  it('that nothing fits finds nothing', () => {
    expect(searchRunbooks(runbooks, 'zebra')).toEqual([])
    expect(searchRunbooks(runbooks, '???')).toEqual([])
    expect(searchRunbooks([], 'stuck')).toEqual([])
  })
})

describe('ranking', () => {
  const indexed = (id: string, text: string) => indexRunbook(parseRunbook(id, text))

  it('puts the title before a heading, a heading before the body, and more words before one word often', () => {
    const found = searchRunbooks(
      [
        indexed('body', '# Other\n\nA lamp.'),
        indexed('heading', '# Other\n\n## Lamp\n\nText.'),
        indexed('title', '# Lamp\n\nText.'),
        indexed('none', '# None\n\nText.'),
      ],
      'lamp',
    )
    expect(found.map(({ runbook }) => runbook.id)).toEqual(['title', 'heading', 'body'])
    const both = searchRunbooks(
      [indexed('often', `# X\n\n${'lamp '.repeat(50)}`), indexed('both', '# Y\n\nlamp cable')],
      'lamp cable',
    )
    expect(both[0]?.runbook.id).toBe('both')
  })

  it('names two passages of a runbook at most, and is bounded, whatever is asked', () => {
    const many = indexed('many', `# Many\n${Array.from({ length: 40 }, (_, n) => `## Lamp ${n}\n\nlamp\n`).join('')}`)
    expect(searchRunbooks([many], 'lamp')).toHaveLength(2)
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (query) => {
        for (const { excerpt } of searchRunbooks(runbooks, query)) {
          expect(excerpt.length).toBeLessThanOrEqual(500)
          expect(excerpt.isWellFormed()).toBe(true)
        }
      }),
    )
  })
})

describe('the samples', () => {
  it('each say what they are about, who keeps them, when they were reviewed and whom to call', () => {
    expect(runbooks.length).toBeGreaterThanOrEqual(10)
    for (const { runbook } of runbooks) {
      expect(runbook.services.length, runbook.id).toBeGreaterThan(0)
      expect(runbook.owner, runbook.id).toBeDefined()
      expect(runbook.reviewed, runbook.id).toMatch(/^2026-/)
      expect(runbook.escalation.length, runbook.id).toBeGreaterThan(0)
      expect(runbook.summary.length, runbook.id).toBeGreaterThan(40)
      expect(runbook.sections.length, runbook.id).toBeGreaterThan(3)
    }
  })

  it('name only runbooks that are there', () => {
    const ids = runbooks.map(({ runbook }) => runbook.id)
    for (const { runbook } of runbooks) {
      for (const [, named] of runbook.text.matchAll(/\bsee (?:the runbook )?([a-z]+(?:-[a-z]+)+)\b/g))
        expect(ids, runbook.id).toContain(named)
    }
  })
})
