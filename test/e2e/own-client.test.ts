import type { Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { Editor } from './support/editor.ts'
import { packageModel } from './support/model.ts'
import { PASSWORD } from './support/sign-in.ts'

const USER = 'ada'
const NOTE = 'by the editor’s own client'
const WRITE = `UPDATE sandbox.budget_plan SET note = '${NOTE}'`
const CHANGED = `SELECT count(*) AS n FROM sandbox.budget_plan WHERE note = '${NOTE}'`

let stack: Stack
let editor: Editor

beforeAll(async () => {
  stack = await startStack()
  const url = stack.ready.servers['presto']?.url
  editor = await Editor.open({
    vsixes: [await packageModel()],
    settings: {},
    story: 'own-client',
    files: { '.vscode/mcp.json': JSON.stringify({ servers: { presto: { type: 'http', url } } }, null, 2) },
    // The editor's server would send the provider's page through a port proxy of its own, under a path that its cookies are not for.
    env: { VSCODE_PROXY_URI: '' },
  })
  await standInForVscodeDev()
})
afterAll(async () => {
  await editor?.close()
  await stack?.stop()
})

beforeEach(() => {
  onTestFailed(() => editor.shot('failed'))
})

/**
 * VS Code has the sign-in come back through `https://vscode.dev/redirect`, which sends the browser on to the address in `state`. That site
 * cannot be reached from here, so the browser is sent on by this.
 */
async function standInForVscodeDev(): Promise<void> {
  await editor.context.route('https://vscode.dev/redirect?*', async (route) => {
    const answer = new URL(route.request().url()).searchParams
    const back = new URL(decodeURIComponent(answer.get('state') ?? ''))
    for (const name of ['state', 'code']) back.searchParams.append(name, answer.get(name) ?? '')
    await route.fulfill({ status: 302, headers: { location: back.href } })
  })
}

/** The editor offers what can be done with a server in two lists; it closes them when something else takes the focus. */
async function startServer(): Promise<void> {
  const list = editor.page.locator('.quick-input-list')
  const click = (name: RegExp) =>
    list
      .getByRole('option', { name })
      .first()
      .click({ timeout: 5000 })
      .then(
        () => true,
        () => false,
      )
  for (let attempt = 0; attempt < 10; attempt++) {
    await editor.command('MCP: List Servers')
    if ((await click(/presto/)) && (await click(/^Start Server/)) && (await asksToAuthenticate())) return
    await editor.page.keyboard.press('Escape')
  }
  throw new Error('the server was not started')
}

function asksToAuthenticate(): Promise<boolean> {
  return editor.page
    .getByText('wants to authenticate to Presto')
    .first()
    .waitFor({ timeout: 20_000 })
    .then(
      () => true,
      () => false,
    )
}

async function signInOnPage(tab: Page): Promise<void> {
  await tab.locator(`input[name="user"][value="${USER}"]`).check()
  await tab.locator('input[type="password"]').fill(PASSWORD)
  await tab.getByText('This application registered itself').waitFor()
  await editor.shotOf(tab, 'provider')
  await tab.getByRole('button', { name: 'Sign in' }).click()
  await tab.getByText('You can close this page now').waitFor({ timeout: 60_000 })
  await tab.close()
}

/** How many rows the write has changed, by the command line: what the editor says is not taken for the truth. */
async function changedRows(): Promise<number> {
  const args = ['--server', 'presto', '--tool', 'run_query', '--args', JSON.stringify({ sql: CHANGED }), '--user', USER]
  const { status, stdout, stderr } = await stack.gatehouse('call', ...args)
  expect(status, stderr).toBe(0)
  const result = JSON.parse(stdout) as { structuredContent: { rows: unknown[][] } }
  return Number(result.structuredContent.rows[0]?.[0])
}

const call = (tool: string, args: Record<string, unknown>) => `call ${tool} ${JSON.stringify(args)}`

describe('VS Code’s own MCP client, with nothing of ours installed', () => {
  test('finds the provider, registers itself, and signs the person in on its page', async () => {
    verifies('AUTH-1.1', 'AUTH-1.2')
    await editor.page.getByText('Activating Extensions').waitFor({ state: 'hidden', timeout: 120_000 })
    await startServer()
    await editor.shot('asks')
    const opened = editor.context.waitForEvent('page', { timeout: 90_000 })
    await editor.page.getByRole('button', { name: 'Allow', exact: true }).first().click()
    // The editor may ask before it opens another site.
    void editor.page
      .getByRole('button', { name: 'Open', exact: true })
      .click({ timeout: 60_000 })
      .catch(() => undefined)
    await signInOnPage(await opened)
    await editor.command('MCP: List Servers')
    await editor.page.locator('.quick-input-list').getByText('Running').first().waitFor({ timeout: 60_000 })
    await editor.shot('running')
    await editor.page.keyboard.press('Escape')
  }, 300_000)

  test('lists the tools that the person may call to the chat’s model, and reads', async () => {
    verifies('AUTH-8.1', 'SRV-KIT.2')
    await editor.prepareChat()
    await editor.ask('hello')
    for (const tool of ['search_tables', 'run_query', 'execute_statement']) {
      await editor
        .chat()
        .getByText(new RegExp(`mcp_presto_${tool}`))
        .first()
        .waitFor({ timeout: 60_000 })
    }
    await editor.newChat()
    await editor.ask(call('run_query', { sql: 'SELECT n_name FROM tpch.nation ORDER BY n_name LIMIT 3' }))
    await editor.chat().getByText('ALGERIA').first().waitFor({ timeout: 90_000 })
    await editor.shot('rows-in-chat')
  }, 300_000)

  test('a write is refused with approval_required, and nothing changes', async () => {
    verifies('SRV-P.4', 'SRV-KIT.4')
    await editor.newChat()
    await editor.ask(call('execute_statement', { sql: WRITE }))
    await editor.allowInSession()
    await editor
      .chat()
      .getByText(/approval_required/)
      .first()
      .waitFor({ timeout: 90_000 })
    await editor.shot('write-refused')
    expect(await changedRows()).toBe(0)
  }, 300_000)
})
