import { UriTemplate } from '@modelcontextprotocol/client'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchesTemplate } from '../../src/connections/uri-template.ts'

describe('a URI template', () => {
  it.each([
    ['a://x/{id}', 'a://x/7'],
    ['a://x/{id}', 'a://x/na%2Fme'],
    ['a://x/{id}', 'a://x/größe'],
    ['a://x/{+path}', 'a://x/b/c?d=e'],
    ['file:///{+path}', 'file:///home/ada/notes.txt'],
    ['a://x{/path*}', 'a://x/b/c'],
    ['a://x/{id}{?q,r}', 'a://x/7'],
    ['a://x/{id}{?q,r}', 'a://x/7?q=1&r=2'],
    ['a://x/{a}-{b}', 'a://x/1-2'],
    ['a://x/{a}{b}', 'a://x/12'],
    ['a://x/f{.ext}', 'a://x/f.txt'],
    ['a://x/{id:3}', 'a://x/abc'],
  ])('%s allows %s', (template, uri) => {
    expect(matchesTemplate(template, uri)).toBe(true)
  })

  it.each([
    ['a://x/{id}', 'a://x/'],
    ['a://x/{id}', 'a://x/7/8'],
    ['a://x/{id}', 'a://x/7?q=1'],
    ['a://x/{id}', 'a://x/7#f'],
    ['a://x/{id}', 'a://y/7'],
    ['a://x/{id}', 'b a://x/7'],
    ['a://x/{id}', 'a://x/..'],
    ['a://x/{id}', 'a://x/%2e%2E'],
    ['a://x/{+path}', 'a://x/b/../../secret'],
    ['a://x/{+path}', 'a://x/b/.%2e/secret'],
    ['a://x/{+path}', 'a://x/b\\..\\secret'],
    ['a://x/{id}', `a://x/${'9'.repeat(2000)}`],
    ['{+anything}', 'not a uri'],
    ['a://x/{id', 'a://x/{id'],
    ['a://x/{}', 'a://x/7'],
    ['a://x/{!id}', 'a://x/7'],
  ])('%s does not allow %s', (template, uri) => {
    expect(matchesTemplate(template, uri)).toBe(false)
  })

  it('allows what the reference implementation expands it to', () => {
    const value = fc.stringMatching(/^[a-z0-9 äß/%?&=]{1,20}$/)
    const templates = ['a://x/{v}', 'a://x/{v}/y', 'a://x{/v}', 'a://x{?v}', 'a://x/f{.v}', 'a://x/{+v}']
    fc.assert(
      fc.property(fc.constantFrom(...templates), value, (template, v) => {
        const uri = new UriTemplate(template).expand({ v })
        expect(matchesTemplate(template, uri)).toBe(URL.canParse(uri) && !/%(?![0-9A-F]{2})/.test(uri))
      }),
    )
  })

  it('made to take long does not', () => {
    const template = `a://x/${'{a}x'.repeat(400)}y`
    expect(matchesTemplate(template, `a://x/${'x'.repeat(1900)}`)).toBe(false)
  })
})
