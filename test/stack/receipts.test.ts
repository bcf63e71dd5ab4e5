import { randomUUID } from 'node:crypto'
import { digestOf, Proposal } from '@gatehouse/contracts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { Device } from '../support/device.ts'
import { type RawAnswer, rawCall } from '../support/mcp-request.ts'
import { type Stack, startStack } from '../support/stack.ts'

const APPROVAL = 'dev.gatehouse/approval'
/** Each run adds one row, so rows count runs. */
const WRITE = {
  sql: "INSERT INTO sandbox.budget_plan (quarter, team, category, planned_amount, note) VALUES ('2026Q4', 'ads', 'tools', 1, 'receipts')",
}
const COUNT = { sql: "SELECT count(*) AS n FROM sandbox.budget_plan WHERE note = 'receipts'" }

let stack: Stack
let device: Device
let token: string
let url: string
let proposal: Proposal

beforeAll(async () => {
  stack = await startStack({ GATEHOUSE_RECORD_LIFE: '6' })
  device = await Device.create()
  url = stack.ready.servers['presto']?.url ?? ''
  token = await stack.token({ user: 'ada', resource: url, client: 'gatehouse-vscode', jkt: device.thumbprint })
})
afterAll(() => stack?.stop())

function write(receipt?: string, options: { arguments?: Record<string, unknown> } = {}): Promise<RawAnswer> {
  const meta = receipt === undefined ? {} : { [APPROVAL]: receipt }
  return rawCall({ url, token, device, tool: 'execute_statement', arguments: options.arguments ?? WRITE, meta })
}

async function runs(): Promise<number> {
  const answer = await rawCall({ url, token, device, tool: 'run_query', arguments: COUNT })
  expect(answer.isError, answer.body).toBe(false)
  const rows = answer.structured['rows'] as unknown[][]
  return Number(rows[0]?.[0])
}

function claims(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const now = Math.floor(Date.now() / 1000)
  return {
    sub: 'ada',
    aud: url,
    iat: now,
    exp: now + 300,
    jti: randomUUID(),
    tool: 'execute_statement',
    args: digestOf(WRITE),
    tool_digest: proposal.toolDigest,
    step: randomUUID(),
    plan: digestOf('plan'),
    ...overrides,
  }
}

describe('a write, with curl and a valid token', () => {
  test('without a receipt is refused with approval_required and the proposal', async () => {
    verifies('EDIT-3.1', 'SRV-P.4', 'SRV-KIT.4')
    const before = await runs()
    const answer = await write()
    expect(answer.isError).toBe(true)
    expect(answer.structured['code']).toBe('approval_required')
    proposal = Proposal.parse(answer.structured['proposal'])
    expect(proposal.arguments).toEqual(WRITE)
    expect(proposal.argumentsDigest).toBe(digestOf(WRITE))
    expect(proposal.touches.join('\n')).toContain('budget_plan')
    expect(await runs()).toBe(before)
  })

  const now = () => Math.floor(Date.now() / 1000)
  const refused: [string, string, () => Promise<string>][] = [
    [
      'for other arguments',
      'approval_mismatch',
      () => device.receipt(claims({ args: digestOf({ sql: 'DELETE FROM sandbox.budget_plan' }) })),
    ],
    ['for another tool', 'approval_mismatch', () => device.receipt(claims({ tool: 'run_query' }))],
    [
      'for another surface of the tool',
      'approval_mismatch',
      () => device.receipt(claims({ tool_digest: digestOf('older') })),
    ],
    ['for another server', 'approval_mismatch', () => device.receipt(claims({ aud: 'http://127.0.0.1:1/mcp' }))],
    ['of another person', 'approval_mismatch', () => device.receipt(claims({ sub: 'ines' }))],
    ['that has expired', 'approval_expired', () => device.receipt(claims({ iat: now() - 400, exp: now() - 100 }))],
    ['that lives too long', 'approval_invalid', () => device.receipt(claims({ exp: now() + 3600 }))],
    ['by another key', 'approval_invalid', async () => (await Device.create()).receipt(claims())],
    ['that is no JWS', 'approval_invalid', () => Promise.resolve('yes, please')],
  ]
  test.each(refused)('with a receipt %s is refused with %s, and nothing changes', async (_name, code, make) => {
    verifies('SRV-KIT.4')
    const before = await runs()
    const answer = await write(await make())
    expect(answer.isError).toBe(true)
    expect(answer.structured['code']).toBe(code)
    expect(await runs()).toBe(before)
  })

  test('with a receipt runs once; the used receipt is refused with approval_replayed', async () => {
    verifies('EDIT-3.2', 'SRV-KIT.4')
    const before = await runs()
    const receipt = await device.receipt(claims())
    const first = await write(receipt)
    expect(first.isError, first.body).toBe(false)
    expect(await runs()).toBe(before + 1)
    const again = await write(receipt)
    expect(again.structured['code']).toBe('approval_replayed')
    expect(await runs()).toBe(before + 1)
  })

  test('two calls race on one receipt, 1,000 times: exactly one runs each time', { timeout: 600_000 }, async () => {
    verifies('SRV-KIT.5')
    const before = await runs()
    for (let round = 0; round < 1000; round++) {
      const receipt = await device.receipt(claims())
      const answers = await Promise.all([write(receipt), write(receipt)])
      const won = answers.filter((answer) => !answer.isError).length
      expect(won, answers.map((answer) => answer.body).join('\n')).toBe(1)
      expect(answers.filter((answer) => answer.structured['code'] === 'approval_replayed').length).toBe(1)
    }
    expect(await runs()).toBe(before + 1000)
  })

  test('a bound token sent as a plain bearer is refused', async () => {
    verifies('AUTH-6.2')
    const answer = await rawCall({ url, token, tool: 'run_query', arguments: COUNT })
    expect(answer.status).toBe(401)
  })

  test('a token for another server is refused', async () => {
    verifies('AUTH-2.3')
    const foreign = await stack.token({
      user: 'ada',
      resource: stack.ready.registry,
      client: 'gatehouse-vscode',
      jkt: device.thumbprint,
    })
    const answer = await rawCall({ url, token: foreign, device, tool: 'run_query', arguments: COUNT })
    expect(answer.status).toBe(401)
  })

  test('the finance analyst cannot read the ads table, and is told why', async () => {
    verifies('AUTH-8.3', 'SRV-P.1')
    const finn = await stack.token({ user: 'finn', resource: url, client: 'gatehouse-vscode', jkt: device.thumbprint })
    const answer = await rawCall({
      url,
      token: finn,
      device,
      tool: 'run_query',
      arguments: { sql: 'SELECT * FROM ads.campaign_revenue' },
    })
    expect(answer.isError).toBe(true)
    expect(answer.body).toContain('ads')
  })

  test('suspended in the registry, the server refuses within the life of its record', { timeout: 60_000 }, async () => {
    verifies('REG-3.1', 'SRV-KIT.3')
    const suspended = await stack.gatehouse('suspend', '--server', 'presto', '--reason', 'test', '--user', 'ines')
    expect(suspended.status, suspended.stderr).toBe(0)
    const deadline = Date.now() + 6000
    let answer: RawAnswer
    do {
      answer = await rawCall({ url, token, device, tool: 'run_query', arguments: COUNT })
      await new Promise((resolve) => setTimeout(resolve, 200))
    } while (!answer.isError && Date.now() < deadline)
    expect(answer.isError).toBe(true)
    expect(answer.body).toContain('server_not_approved')
    const back = await stack.gatehouse('reinstate', '--server', 'presto', '--reason', 'test over', '--user', 'ines')
    expect(back.status, back.stderr).toBe(0)
  })
})
