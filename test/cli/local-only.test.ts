import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gatehouse } from './command.ts'
import { type DataFolder, temporaryDataFolder } from '../support/data-folder.ts'

let data: DataFolder
beforeAll(async () => {
  data = await temporaryDataFolder()
  await writeFile(join(data.path, 'dev-secret'), `${'x'.repeat(43)}\n`)
})
afterAll(() => data.remove())

async function stackFile(issuer: string, registry = 'http://127.0.0.1:9'): Promise<void> {
  const stack = { issuer, registry, servers: {}, devSecretFile: join(data.path, 'dev-secret'), pids: [] }
  await writeFile(join(data.path, 'stack.json'), JSON.stringify(stack))
}

const token = ['token', '--user', 'ada', '--resource', 'http://127.0.0.1:9/mcp']
const call = ['call', '--server', 'presto', '--tool', 'search_tables', '--args', '{}', '--approve']

describe('token and call --approve', () => {
  test.each([
    'https://login.example.com',
    'http://10.0.0.1:7420',
    'http://127.0.0.1.evil.test',
    'https://127.0.0.1:7420',
  ])('refuse the issuer %s', async (issuer) => {
    await stackFile(issuer)
    for (const command of [token, call]) {
      const { status, stdout, stderr } = await gatehouse(...command, '--data', data.path)
      expect(status).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toContain('(issuer_not_local)')
    }
  })

  test('refuse a registry elsewhere', async () => {
    await stackFile('http://127.0.0.1:9', 'https://registry.example.com')
    expect((await gatehouse(...call, '--data', data.path)).stderr).toContain('(issuer_not_local)')
  })

  test('say so when no stack runs, or its file is damaged', async () => {
    await stackFile('http://127.0.0.1:9')
    expect((await gatehouse(...token, '--data', data.path)).stderr).toContain('(stack_not_running)')
    expect((await gatehouse(...token, '--data', join(data.path, 'elsewhere'))).stderr).toContain('(stack_not_running)')
    await writeFile(join(data.path, 'stack.json'), '{')
    expect((await gatehouse(...token, '--data', data.path)).stderr).toContain('(stack_file_broken)')
  })
})

describe('what is typed wrong', () => {
  test.each([
    [['call', '--server', 'presto', '--tool', 't', '--args', '{"a":1,"a":2}'], 'arguments_invalid'],
    [['call', '--server', 'presto', '--tool', 't', '--args', '[1]'], 'arguments_invalid'],
    [['call', '--server', 'presto', '--tool', 't', '--args', '@/no/such/file'], 'arguments_invalid'],
    [['call', '--server', 'presto', '--args', '{}'], 'usage'],
    [['token', '--resource', 'http://127.0.0.1:9'], 'usage'],
    [['suspend', '--server', '../x', '--reason', 'r'], 'usage'],
    [['register', '--file', '/nonexistent.json'], 'record_invalid'],
    [['no-such-command'], 'usage'],
  ])('%j', async (command, code) => {
    const { status, stderr } = await gatehouse(...command)
    expect(status).toBe(1)
    expect(stderr.trim().split('\n')).toHaveLength(1)
    expect(stderr).toContain(`(${code})`)
  })

  test('help is there for everything', async () => {
    const { stdout, status } = await gatehouse('--help')
    expect(status).toBe(0)
    for (const name of ['up', 'token', 'call', 'suspend', 'reinstate', 'register']) {
      expect(stdout).toContain(name)
      expect((await gatehouse(name, '--help')).stdout).toContain(`gatehouse ${name}`)
    }
  })
})
