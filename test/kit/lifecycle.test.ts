import { spawn } from 'node:child_process'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineTool, describeServer, type ServerDefinition, startServer, tool } from '@gatehouse/kit'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { verifies } from '../requirements.ts'
import { fixtureServer } from '../support/fixture-tools.ts'
import { startWorld, until, type World } from '../support/fixture-world.ts'
import { rawCall } from '../support/mcp-request.ts'

const annotations = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
const common = {
  title: 'T',
  description: 'D',
  output: z.strictObject({}),
  effect: 'read',
  annotations,
  minutesSaved: 0,
} as const
const policy = {}
const run = async () => ({ structured: {}, text: '' })
const QUIET = { info() {}, warn() {}, error() {} }

let data: string
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'gatehouse-lifecycle-'))
})
afterAll(() => rm(data, { recursive: true, force: true }))

function serverOf(
  toolsClass: ServerDefinition['toolsClass'],
  change: Partial<ServerDefinition> = {},
): ServerDefinition {
  const tools: object = Array.isArray(toolsClass) ? toolsClass : (toolsClass as { prototype: object }).prototype
  return {
    id: 'small',
    title: 'Small',
    version: '1',
    toolsClass,
    start: async () => ({ tools, dispose: async () => undefined }),
    ...change,
  }
}
const config = () => ({
  host: '127.0.0.1',
  port: 0,
  data,
  issuer: 'http://127.0.0.1:1',
  registry: 'http://127.0.0.1:1',
  intakeToken: 'x',
  log: QUIET,
})

describe('a server that is written wrongly does not start', () => {
  class NoPolicy {
    @tool({ ...common, name: 'open', input: z.strictObject({}) })
    async open() {
      return { structured: {}, text: '' }
    }
  }

  it('a tool without a policy', async () => {
    verifies('SRV-KIT.1', 'AUTH-8.2')
    await expect(startServer(serverOf(NoPolicy), config())).rejects.toMatchObject({ code: 'tool_without_policy' })
    expect(() => describeServer(serverOf(NoPolicy))).toThrow(expect.objectContaining({ code: 'tool_without_policy' }))
  })

  it('two tools of one name, a name that is none, an input that takes anything', () => {
    const input = z.strictObject({})
    const one = defineTool({ ...common, policy, name: 'one', input, run })
    const odd = defineTool({ ...common, policy, name: 'no name', input, run })
    const open = defineTool({
      ...common,
      policy,
      name: 'open',
      input: z.strictObject({ nested: z.object({ a: z.string() }) }),
      run,
    })
    const date = defineTool({ ...common, policy, name: 'date', input: z.strictObject({ day: z.date() }), run })
    const code = (tools: ServerDefinition['toolsClass']) => {
      try {
        describeServer(serverOf(tools))
        return 'fine'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    expect(code([one])).toBe('fine')
    expect(code([one, one])).toBe('tool_duplicate')
    expect(code([odd])).toBe('tool_invalid')
    expect(code([open])).toBe('tool_input_open')
    expect(code([date])).toBe('tool_invalid')
  })

  it('policies that do not fit, tools that differ from those declared, a database that is missing', async () => {
    const one = defineTool({ ...common, policy, name: 'one', input: z.strictObject({}), run })
    const two = defineTool({ ...common, policy, name: 'two', input: z.strictObject({}), run })
    const write = defineTool({ ...common, effect: 'write', policy, name: 'write', input: z.strictObject({}), run })
    await expect(startServer(serverOf([one], { cedar: 'permit' }), config())).rejects.toMatchObject({
      code: 'policy_invalid',
    })
    const other = serverOf([one], { start: async () => ({ tools: [two], dispose: async () => undefined }) })
    await expect(startServer(other, config())).rejects.toMatchObject({ code: 'server_invalid' })
    await expect(startServer(serverOf([write]), config())).rejects.toMatchObject({ code: 'database_required' })
    await expect(startServer(serverOf([one], { id: 'Not An Id' }), config())).rejects.toMatchObject({
      code: 'server_invalid',
    })
  })

  it('and what it had opened is given back', async () => {
    const disposed: string[] = []
    const one = defineTool({ ...common, policy, name: 'one', input: z.strictObject({}), run })
    const definition = serverOf([one], {
      start: async () => ({ tools: [one], dispose: async () => void disposed.push('tools') }),
    })
    const running = await startServer(definition, config())
    const { port } = new URL(running.url)
    await expect(
      startServer(definition, { ...config(), data: join(data, 'other'), port: Number(port) }),
    ).rejects.toMatchObject({ code: 'port_in_use' })
    expect(disposed).toEqual(['tools'])
    await running.stop()
    expect(disposed).toEqual(['tools', 'tools'])
  })
})

const untilRunning = (world: World, calls: number) =>
  until(async () => {
    const metrics = await (await fetch(`${world.server.url}/metrics`)).text()
    return new RegExp(`^gatehouse_calls_running\\{.*\\} ${calls}$`, 'm').test(metrics)
  })

describe('stopping', () => {
  it('lets a running call finish and takes no new one', async () => {
    verifies('SRV-KIT.8')
    const world = await startWorld()
    const token = await world.issuer.token(world.url)
    const running = rawCall({ url: world.url, token, tool: 'wait', arguments: { steps: 20 } })
    await untilRunning(world, 1)
    const stopping = world.stop()
    const late = await rawCall({ url: world.url, token, tool: 'echo', arguments: { text: 'x' } }).catch(() => 'refused')
    expect(late === 'refused' || (late as { status: number }).status === 503).toBe(true)
    expect((await running).structured).toEqual({ value: 'waited' })
    await stopping
  })

  it('aborts what does not finish in time', async () => {
    verifies('SRV-KIT.8')
    const world = await startWorld({ drain: 200 })
    const token = await world.issuer.token(world.url)
    const running = rawCall({ url: world.url, token, tool: 'wait', arguments: {} })
    await untilRunning(world, 1)
    await world.stop()
    expect((await running).structured).toMatchObject({ code: 'shutting_down' })
    expect(world.tools.ended).toEqual(['aborted'])
  })
})

describe('the process of a server', () => {
  let main: string
  beforeAll(async () => {
    main = join(data, 'main.mjs')
    await build({
      stdin: {
        contents: `import { runServer } from '@gatehouse/kit'\nimport { fixtureServer } from '../support/fixture-tools.ts'\nawait runServer(fixtureServer())`,
        resolveDir: import.meta.dirname,
        loader: 'ts',
      },
      outfile: main,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node24',
      external: ['@cedar-policy/cedar-wasm', 'pg-native'],
      banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
      logLevel: 'silent',
    })
    await symlink(join(import.meta.dirname, '../../node_modules'), join(data, 'node_modules'))
  })

  function start(args: string[], environment: Record<string, string>) {
    const cwd = join(import.meta.dirname, '../..')
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      env: { PATH: process.env['PATH'] ?? '', ...environment },
    })
    const out = { stdout: '', stderr: '' }
    child.stdout.on('data', (chunk: Buffer) => (out.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (out.stderr += chunk.toString()))
    const ended = new Promise<number | null>((resolve) => child.once('close', (status) => resolve(status)))
    return { child, out, ended }
  }

  it('describes itself with nothing but its code', async () => {
    const { out, ended } = start(['--describe'], {})
    expect([await ended, out.stderr]).toEqual([0, ''])
    expect(JSON.parse(out.stdout)).toEqual(JSON.parse(JSON.stringify(describeServer(fixtureServer()))))
  })

  it('says in one line what keeps it from starting', async () => {
    const { out, ended } = start([], { GATEHOUSE_DATA: data })
    expect(await ended).toBe(1)
    expect(JSON.parse(out.stderr)).toMatchObject({ level: 'error', code: 'config_invalid' })
    expect(out.stdout).toBe('')
  })

  it('announces itself, serves, and ends on SIGTERM', async () => {
    verifies('SRV-KIT.8')
    const world = await startWorld()
    try {
      const { child, out, ended } = start([], {
        GATEHOUSE_DATA: join(data, 'process'),
        GATEHOUSE_ISSUER: world.issuer.url,
        GATEHOUSE_REGISTRY: world.registry.url,
        GATEHOUSE_INTAKE_TOKEN: world.registry.intakeToken,
        DATABASE_URL: world.databaseUrl,
      })
      await until(() => out.stdout.includes('\n'))
      const { kind, url } = JSON.parse(out.stdout) as { kind: string; url: string }
      expect(kind).toBe('listening')
      expect((await fetch(`${url}/healthz`)).status).toBe(200)
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    } finally {
      await world.stop()
    }
  })
})
