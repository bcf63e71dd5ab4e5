import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseTraceparent } from '../../../companion/packages/kit/src/telemetry/traceparent.ts'
import { verifies } from '../../requirements.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test('a traceparent of version 00 is the remote parent', () => {
  verifies('OBS-1.1')
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-01`)).toEqual({
    traceId: TRACE,
    spanId: SPAN,
    traceFlags: 1,
    isRemote: true,
  })
})

test('flags that are not known are dropped', () => {
  expect(parseTraceparent(`00-${TRACE}-${SPAN}-fe`)?.traceFlags).toBe(0)
})

test('a later version may have more behind it', () => {
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-holds`)?.traceId).toBe(TRACE)
  expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01.what`)).toBeUndefined()
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['an object', { traceparent: `00-${TRACE}-${SPAN}-01` }],
  ['a list', [`00-${TRACE}-${SPAN}-01`]],
  ['empty text', ''],
  ['version ff', `ff-${TRACE}-${SPAN}-01`],
  ['version 00 with more behind it', `00-${TRACE}-${SPAN}-01-x`],
  ['an all-zero trace id', `00-${'0'.repeat(32)}-${SPAN}-01`],
  ['an all-zero span id', `00-${TRACE}-${'0'.repeat(16)}-01`],
  ['upper case', `00-${TRACE.toUpperCase()}-${SPAN}-01`],
  ['a short trace id', `00-${TRACE.slice(1)}-${SPAN}-01`],
  ['white space around it', ` 00-${TRACE}-${SPAN}-01`],
  ['a newline behind it', `00-${TRACE}-${SPAN}-01\n`],
  ['two of them', `00-${TRACE}-${SPAN}-01,00-${TRACE}-${SPAN}-01`],
  ['a megabyte', `cc-${TRACE}-${SPAN}-01-${'x'.repeat(1_000_000)}`],
])('%s is no parent', (_, value) => {
  expect(parseTraceparent(value)).toBeUndefined()
})

test('whatever is sent, the answer is a valid context or none', () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      expect(parseTraceparent(value)).toBeUndefined()
    }),
  )
})
