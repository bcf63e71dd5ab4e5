import { defineTool, describeServer } from '@gatehouse/kit'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { checkParamHeaders, paramHeadersOf } from '../../companion/packages/kit/src/serve/param-headers.ts'
import { verifies } from '../requirements.ts'
import { offersServer } from '../support/fixture-offers.ts'

const schema = z.strictObject({
  region: z.string().meta({ 'x-mcp-header': 'Region' }),
  page: z.strictObject({ size: z.int().meta({ 'x-mcp-header': 'Page-Size' }) }).optional(),
})
const declared = paramHeadersOf('t', z.toJSONSchema(schema))

/** `ok`, or the code with which the call is refused. */
function checked(args: object, headers: Record<string, string>): string {
  try {
    checkParamHeaders(declared, args, headers)
    return 'ok'
  } catch (error) {
    return (error as { code: string }).code
  }
}

describe('an argument that a client repeats in a header', () => {
  it('is there, and the same', () => {
    verifies('SRV-KIT.7')
    expect(checked({ region: 'eu' }, { 'mcp-param-region': 'eu' })).toBe('ok')
    expect(checked({ region: 'é' }, { 'mcp-param-region': '=?base64?w6k=?=' })).toBe('ok')
    expect(
      checked({ region: 'eu', page: { size: 42 } }, { 'mcp-param-region': 'eu', 'mcp-param-page-size': '42.0' }),
    ).toBe('ok')
    expect(checked({}, {})).toBe('ok')
  })

  it('that is missing, another, or badly encoded is refused', () => {
    verifies('SRV-KIT.7')
    for (const header of ['us', 'EU', ' eu', '=?base64?ZXU?=', '=?base64?Z!U=?=', '=?base64?/w==?=', 'eu, eu']) {
      expect(checked({ region: 'eu' }, { 'mcp-param-region': header })).toBe('header_mismatch')
    }
    expect(checked({ region: 'eu' }, {})).toBe('header_mismatch')
    expect(
      checked({ region: 'eu', page: { size: 42 } }, { 'mcp-param-region': 'eu', 'mcp-param-page-size': '43' }),
    ).toBe('header_mismatch')
  })
})

it('a tool with a header that cannot be does not start', () => {
  const start = (input: z.ZodObject) => () =>
    describeServer({
      ...offersServer(),
      toolsClass: [
        defineTool({
          name: 't',
          title: 'T',
          description: 'D',
          input,
          output: z.strictObject({}),
          effect: 'read',
          annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
          minutesSaved: 0,
          policy: {},
          run: async () => ({ structured: {}, text: '' }),
        }),
      ],
    })
  const named = (name: unknown) => z.string().meta({ 'x-mcp-header': name })
  const invalid = expect.objectContaining({ code: 'tool_invalid' }) as Error
  expect(start(z.strictObject({ a: named('A') }))).not.toThrow()
  expect(start(z.strictObject({ a: named('A'), b: named('a') }))).toThrow(invalid)
  expect(start(z.strictObject({ a: named('A B') }))).toThrow(invalid)
  expect(start(z.strictObject({ a: named(7) }))).toThrow(invalid)
  expect(start(z.strictObject({ a: z.array(named('A')) }))).toThrow(invalid)
  expect(start(z.strictObject({ a: z.number().meta({ 'x-mcp-header': 'A' }) }))).toThrow(invalid)
})
