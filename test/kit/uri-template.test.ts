import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseUriTemplate } from '../../companion/packages/kit/src/serve/uri-template.ts'
import { verifies } from '../requirements.ts'

it('gives back what was put in, whatever it was', () => {
  verifies('SRV-KIT.13')
  const template = parseUriTemplate('fixture://a.b/{first}/c+d?x={second}')
  const text = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' })
  fc.assert(
    fc.property(text, text, (first, second) => {
      const uri = `fixture://a.b/${encodeURIComponent(first)}/c+d?x=${encodeURIComponent(second)}`
      expect(template.match(uri)).toEqual({ first, second })
    }),
  )
})

it('fits nothing but its own addresses', () => {
  const template = parseUriTemplate('fixture://a.b/{name}/end')
  for (const uri of [
    'fixture://a.b//end',
    'fixture://aXb/x/end',
    'fixture://a.b/x/y/end',
    'fixture://a.b/x/end/',
    'fixture://a.b/x/end\n',
    'fixture://a.b/%zz/end',
    'fixture://a.b/%ff/end',
    `fixture://a.b/${'x'.repeat(2_000)}/end`,
  ]) {
    expect(template.match(uri)).toBeUndefined()
  }
})
