import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { DefinitionError } from '../authoring/definition-error.ts'
import { RpcProblem } from './rpc-problem.ts'

/** An argument that a client repeats in the header `Mcp-Param-{header}` (SEP-2243), so that an edge can route by it. */
export interface ParamHeader {
  readonly header: string
  /** Names of the properties that lead to the argument. */
  readonly path: readonly string[]
  readonly type: 'string' | 'integer' | 'boolean'
}

const Node = z.looseObject({
  type: z.string().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
  'x-mcp-header': z.unknown().optional(),
})
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/
const TYPES = ['string', 'integer', 'boolean'] as const

/**
 * The arguments of a tool that have `x-mcp-header` in their schema: `z.string().meta({ 'x-mcp-header': 'Region' })`.
 * @throws DefinitionError `tool_invalid`
 */
export function paramHeadersOf(tool: string, inputSchema: unknown): readonly ParamHeader[] {
  const found = declaredIn(tool, inputSchema, [])
  const names = new Set(found.map(({ header }) => header.toLowerCase()))
  if (names.size !== found.length)
    throw new DefinitionError('tool_invalid', `the tool ${tool} gives two arguments one header`)
  if (found.length !== JSON.stringify(inputSchema).split('"x-mcp-header":').length - 1)
    throw new DefinitionError('tool_invalid', `the tool ${tool} has a header for what is no plain argument`)
  return found
}

function declaredIn(tool: string, schema: unknown, path: readonly string[]): ParamHeader[] {
  const node = Node.safeParse(schema).data
  if (!node) return []
  const below = Object.entries(node.properties ?? {}).flatMap(([name, part]) => declaredIn(tool, part, [...path, name]))
  const header = node['x-mcp-header']
  if (header === undefined) return below
  const type = TYPES.find((known) => known === node.type)
  if (typeof header !== 'string' || !TOKEN.test(header) || !type || path.length === 0)
    throw new DefinitionError('tool_invalid', `the header of ${path.join('.')} of the tool ${tool} is not valid`)
  return [{ header, path, type }, ...below]
}

const HEADER_MISMATCH = -32_020
const ENCODED = /^=\?base64\?(.*)\?=$/

/**
 * What an edge reads must be what runs: an argument with a header, when it is there, is in the header too, and the same.
 * @throws RpcProblem `header_mismatch`
 */
export function checkParamHeaders(declared: readonly ParamHeader[], args: unknown, headers: IncomingHttpHeaders): void {
  for (const { header, path, type } of declared) {
    const argument = at(args, path)
    if (typeof argument !== 'string' && typeof argument !== 'number' && typeof argument !== 'boolean') continue
    const sent = headers[`mcp-param-${header.toLowerCase()}`]
    const value = typeof sent === 'string' ? decodedHeader(sent) : undefined
    const same = type === 'integer' ? isNumber(value, argument) : value === String(argument)
    if (!same)
      throw new RpcProblem(
        400,
        HEADER_MISMATCH,
        'header_mismatch',
        `the header Mcp-Param-${header} differs from the body`,
      )
  }
}

function at(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (container, name) =>
      typeof container === 'object' && container !== null && Object.hasOwn(container, name)
        ? Reflect.get(container, name)
        : undefined,
    value,
  )
}

/** Undefined for what claims to be base64 and is not, in its one canonical form. */
export function decodedHeader(sent: string): string | undefined {
  const text = ENCODED.exec(sent)?.[1]
  if (text === undefined) return sent
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') !== text) return undefined
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/** `42.0` and `42` are one number. */
function isNumber(text: string | undefined, argument: unknown): boolean {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) && Number(text) === argument
}
