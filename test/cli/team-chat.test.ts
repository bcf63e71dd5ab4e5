import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { APPROVAL_META, digestOf, ServerRecord } from '@gatehouse/contracts'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { rawCall } from '../support/mcp-request.ts'
import { type Stack, startStack } from '../support/stack.ts'

const SLOW = 180_000
const SUPPORT = '#pipeline-support'
const PRESTO_HELP = '#presto-help'
const SEARCH = 'call runbooks search_runbooks {"query":"stuck"}'
const CLI = join(import.meta.dirname, '../../dist/companion/packages/cli/main.js')

let stack: Stack
beforeAll(async () => {
  // A short life, so that a changed record is soon the one that counts.
  stack = await startStack({ GATEHOUSE_RECORD_LIFE: '6' })
}, 240_000)
afterAll(() => stack?.stop())

type Said = Record<string, unknown> & { readonly kind: string }

/** One message to the bot, and its answer as data. */
async function say(message: string, channel?: string, user = 'ada'): Promise<Said> {
  const where = channel === undefined ? [] : ['--channel', channel]
  const { stdout, stderr } = await stack.gatehouse('chat', ...where, '--user', user, '--json', '--say', message)
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout) as Said
}

async function toolsIn(channel: string | undefined, user?: string): Promise<string[]> {
  const { tools } = (await say('tools', channel, user)) as unknown as { tools: { server: string; name: string }[] }
  return tools.map(({ server, name }) => `${server} ${name}`)
}

describe('the bot of a team chat', () => {
  test(
    'calls for whoever writes, in the channels of the server',
    async () => {
      verifies('AUTH-11.1', 'AUTH-11.3')
      for (const channel of [SUPPORT, PRESTO_HELP]) {
        const answer = await say(SEARCH, channel)
        expect(answer.kind, JSON.stringify(answer)).toBe('result')
        expect(answer['text']).toContain('An Airflow task is stuck')
        expect(answer['data']).toMatchObject({ untrusted: true })
      }
    },
    SLOW,
  )

  test(
    'says why not in another channel, and where there is none',
    async () => {
      verifies('AUTH-11.3', 'AUTH-8.3')
      const reason = `works only in the channels ${SUPPORT}, ${PRESTO_HELP}; ask ${SUPPORT}`
      for (const channel of ['#random', undefined]) {
        expect(await say(SEARCH, channel)).toMatchObject({ kind: 'denied', reason })
        expect(await toolsIn(channel)).toEqual([])
      }
      const told = await stack.gatehouse('chat', '--channel', '#random', '--say', SEARCH)
      expect(told).toMatchObject({ status: 1, stdout: `Not here: ${reason}\n` })
    },
    SLOW,
  )

  test(
    'offers what the channel and the person may use, and nothing of a server that is not for the team chat',
    async () => {
      verifies('AUTH-8.1', 'AUTH-11.1')
      const inBoth = ['search_runbooks', 'read_runbook', 'list_runbooks'].map((name) => `runbooks ${name}`)
      expect(await toolsIn(PRESTO_HELP)).toEqual(inBoth)
      expect(await toolsIn(SUPPORT)).toEqual([...inBoth, 'runbooks escalation_contacts'])
      expect(await toolsIn(SUPPORT, 'carl')).toEqual([])

      const { servers } = (await say('servers', SUPPORT)) as unknown as { servers: object[] }
      expect(servers).toMatchObject([
        { access: 'denied', id: 'presto', reason: 'works only from ide, cli; ask #presto-help' },
        { access: 'allowed', record: { id: 'runbooks' } },
      ])
      expect(await say('call presto run_query {"sql":"SELECT 1"}', SUPPORT)).toMatchObject({ kind: 'denied' })
      expect(await say('call runbooks escalation_contacts {"id":"airflow-task-stuck"}', PRESTO_HELP)).toMatchObject({
        kind: 'denied',
        reason: `escalation_contacts: works only in the channels ${SUPPORT}; ask ${SUPPORT}`,
      })
      expect(await say(SEARCH, SUPPORT, 'carl')).toMatchObject({
        kind: 'denied',
        reason: `needs one of the groups ads, finance, infra; ask ${SUPPORT}`,
      })
    },
    SLOW,
  )

  test(
    'tells two people apart who write in one channel',
    async () => {
      verifies('AUTH-8.1')
      const read = 'call runbooks read_runbook {"id":"infra-server-suspended-for-drift","section":"Do not"}'
      expect(await say(read, SUPPORT, 'ines')).toMatchObject({ kind: 'result' })
      expect(await say(read, SUPPORT, 'ada')).toMatchObject({ kind: 'failed', code: 'runbook_unknown' })
    },
    SLOW,
  )

  test('has a key of its own that nobody else may read, the same at each start', async () => {
    verifies('AUTH-11.4')
    const file = join(stack.data, 'team-chat-key.json')
    const key = await readFile(file, 'utf8')
    await chmod(file, 0o644)
    await say('help', SUPPORT)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).toBe(key)
    await writeFile(file, '{"kty":"oct"}')
    const broken = await stack.gatehouse('chat', '--say', 'help')
    expect(broken).toMatchObject({ status: 1, stderr: expect.stringContaining('data_folder_broken') as string })
    await writeFile(file, key)
  })
})

describe('a conversation', () => {
  test(
    'goes on after a mistake, says what can be said, and ends when it is left',
    async () => {
      const child = spawn(process.execPath, [CLI, 'chat', '--channel', SUPPORT, '--data', stack.data])
      let told = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text))
      child.stdin.end(
        [
          'hello',
          '',
          'call runbooks',
          'call runbooks search_runbooks {"query":1,"query":2}',
          'call runbooks search_runbooks [1]',
          'call runbooks search_runbooks {"query":7}',
          'call nothing x',
          'tools runbooks more',
          SEARCH,
          'quit',
          'servers',
        ].join('\n'),
      )
      const [status] = (await once(child, 'close')) as [number]
      expect(status).toBe(0)
      const said = told.split('\n')
      for (const line of [
        '"hello" is nothing that I know; say: help (message_not_understood)',
        'say: call SERVER TOOL {JSON} (message_not_understood)',
        'what follows the tool must be a JSON object, such as {"query":"stuck"} (arguments_invalid)',
        'there is no server "nothing" here; say: servers (server_unknown)',
        'say: tools, or: tools SERVER (message_not_understood)',
      ])
        expect(said).toContain(line)
      expect(told).toContain('what follows the tool is no JSON')
      expect(told).toContain('(invalid_arguments)')
      expect(told).toContain('An Airflow task is stuck')
      expect(told).not.toContain('Presto:')
    },
    SLOW,
  )
})

describe('with curl, and the token of the bot', () => {
  let device: Device
  let url: string
  let token: string
  beforeAll(async () => {
    device = await Device.create()
    url = stack.ready.servers['runbooks']?.url ?? ''
    token = await stack.token({ user: 'ada', resource: url, client: 'gatehouse-team-chat', jkt: device.thumbprint })
  })
  const list = (claims: Record<string, unknown>, headers: Record<string, string> = {}) =>
    rawCall({ url, token, device, tool: 'list_runbooks', arguments: {}, claims, headers })

  test('only a channel that the proof signs is one', async () => {
    verifies('AUTH-11.2')
    expect(await list({ channel: SUPPORT })).toMatchObject({ status: 200, isError: false })
    const headers = { channel: SUPPORT, 'x-channel': SUPPORT, 'x-gatehouse-channel': SUPPORT }
    for (const answer of [await list({}), await list({}, headers), await list({ channel: '#random' }, headers)]) {
      expect(answer.status).toBe(403)
      expect(answer.body).toContain(`works only in the channels ${SUPPORT}, ${PRESTO_HELP}`)
    }
    for (const channel of ['', 7, [SUPPORT], null]) expect((await list({ channel })).status).toBe(401)
  })

  test('the bot’s token is none without its key', async () => {
    verifies('AUTH-6.2')
    const answer = await rawCall({ url, token, tool: 'list_runbooks', arguments: {} })
    expect(answer.status).toBe(401)
    const other = await Device.create()
    const claims = { channel: SUPPORT }
    const stolen = await rawCall({ url, token, device: other, tool: 'list_runbooks', arguments: {}, claims })
    expect(stolen.status).toBe(401)
  })
})

describe('a change', () => {
  const WRITE = { sql: "CREATE TABLE sandbox.by_bot AS SELECT 'once' AS note" }

  /** Presto as it would be if its record were for the team chat too. */
  async function openPrestoToTheBot(): Promise<ServerRecord> {
    const signed = await (await fetch(`${stack.ready.registry}/gatehouse/v1/records/presto`)).text()
    const record = ServerRecord.parse(decodeJwt(signed)['record'])
    const bot = {
      clientId: 'gatehouse-team-chat',
      surface: 'team-chat',
      bearer: false,
      approves: false,
      channel: 'proof',
    }
    const changed = { ...record, surfaces: [...record.surfaces, 'team-chat'], clients: [...record.clients, bot] }
    const file = join(stack.data, 'presto-record.json')
    await writeFile(file, JSON.stringify(changed))
    const { status, stderr } = await stack.gatehouse('register', '--file', file)
    expect(status, stderr).toBe(0)
    return record
  }

  test(
    'that is asked for in the team chat waits for the editor; the key of the bot approves nothing',
    async () => {
      verifies('AUTH-11.4', 'SRV-KIT.4')
      const record = await openPrestoToTheBot()
      const asked = `call presto execute_statement ${JSON.stringify(WRITE)}`
      const deadline = Date.now() + 90_000
      let answer: Said | undefined
      // Until the server holds the record that was changed.
      while (answer?.kind !== 'approval_required' && Date.now() < deadline)
        answer = await say(asked, PRESTO_HELP).catch(() => undefined)
      expect(answer).toMatchObject({ kind: 'approval_required', summary: expect.stringContaining('by_bot') as string })
      const told = await stack.gatehouse('chat', '--channel', PRESTO_HELP, '--say', asked)
      expect(told.stdout).toContain('I cannot approve it, whoever asks me: do it in the editor')
      expect(told.status).toBe(1)

      const device = await Device.create()
      const url = record.url
      const tool = record.tools.find(({ name }) => name === 'execute_statement')
      const now = Math.floor(Date.now() / 1000)
      const receipt = await device.receipt({
        sub: 'ada',
        aud: url,
        iat: now,
        exp: now + 300,
        jti: crypto.randomUUID(),
        tool: 'execute_statement',
        args: digestOf(WRITE),
        tool_digest: tool?.digest,
        step: crypto.randomUUID(),
        plan: digestOf('plan'),
      })
      const write = async (client: string) =>
        rawCall({
          url,
          token: await stack.token({ user: 'ada', resource: url, client, jkt: device.thumbprint }),
          device,
          tool: 'execute_statement',
          arguments: WRITE,
          meta: { [APPROVAL_META]: receipt },
          claims: { channel: PRESTO_HELP },
        })
      const refused = await write('gatehouse-team-chat')
      expect(refused).toMatchObject({ isError: true, structured: { code: 'approval_required' } })
      // The same receipt by the same key, which the record believes to be a device of the editor's: only now does it run.
      const ran = await write('gatehouse-vscode')
      expect(ran.isError, ran.body).toBe(false)
    },
    SLOW,
  )
})
