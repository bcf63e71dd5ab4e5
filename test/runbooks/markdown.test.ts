import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseRunbook } from '../../companion/servers/runbooks/src/library/runbook.ts'
import { clip } from '../../companion/servers/runbooks/src/markdown/clip.ts'
import { readFrontMatter } from '../../companion/servers/runbooks/src/markdown/front-matter.ts'
import { outline } from '../../companion/servers/runbooks/src/markdown/outline.ts'

const paths = (text: string) => outline(text).map(({ path }) => path.join(' > '))

describe('the sections of a runbook', () => {
  it('are nested by the level of their headings', () => {
    const text = '# A\nx\n## B\n### C\ny\n## D ##\n# E'
    expect(paths(text)).toEqual(['A', 'A > B', 'A > B > C', 'A > D', 'E'])
  })

  it('do not begin in a block of code, of whatever fence', () => {
    const text = '# A\n```sh\n# a comment\n~~~\n# another\n```\n~~~\n# third\n~~~~\n## B\n#no heading\n####### none'
    expect(paths(text)).toEqual(['A', 'A > B'])
  })

  it('are together the whole text, whatever it is', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom('# a', '## b', '### ', '```', '~~~~', '   # c', '---', '#', '\t# d', '# e #'),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 30 }), (lines) => {
        const text = lines.join('\n')
        const parts = outline(text).map(({ start, end }) => text.slice(start, end))
        expect(parts.join('')).toBe(text)
      }),
    )
  })
})

describe('what a runbook says of itself', () => {
  it('is read from the lines above it', () => {
    const runbook = parseRunbook(
      'a-b',
      '---\nservices: Presto,  airflow\nOwner: Data Platform\nreviewed: 2026-11-02\nescalation: first; second\n---\n\n# Title\n\nOne\nline.\n\nMore.\n',
    )
    expect(runbook).toMatchObject({
      id: 'a-b',
      title: 'Title',
      summary: 'One line.',
      services: ['presto', 'airflow'],
      owner: 'Data Platform',
      reviewed: '2026-11-02',
      escalation: ['first', 'second'],
    })
    expect(runbook.text).toBe('# Title\n\nOne\nline.\n\nMore.')
  })

  it('is left out where it is not said, or not a day', () => {
    expect(parseRunbook('a', '---\nreviewed: soon\n---\n# T')).toMatchObject({
      owner: undefined,
      reviewed: undefined,
      services: [],
      escalation: [],
    })
  })

  it('stays text where it is no such block', () => {
    for (const text of ['---\nno field\n---\n# T', '---\nowner: x\n# T', ' ---\nowner: x\n---\n'])
      expect(readFrontMatter(text)).toEqual({ fields: new Map(), body: text })
  })

  it('without a heading of level 1 is no runbook', () => {
    for (const text of ['', 'text', '## Second\n', '# \n']) {
      expect(() => parseRunbook('a', text)).toThrow('it has no heading of level 1')
    }
  })
})

describe('a text that is cut', () => {
  it('does not end within a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.nat({ max: 30 }), (text, length) => {
        const cut = clip(text, length)
        expect(cut.isWellFormed()).toBe(true)
        expect(text.startsWith(cut)).toBe(true)
        expect(cut.length).toBeLessThanOrEqual(length)
      }),
    )
  })
})
