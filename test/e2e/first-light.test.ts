import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { verifies } from '../requirements.ts'
import { Editor } from './support/editor.ts'
import { startLateServer } from './support/late-server.ts'
import { packageModel } from './support/model.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { signIn, signOut } from './support/sign-in.ts'

const vsix = join(import.meta.dirname, '../../dist/gatehouse.vsix')
const NOTE = 'first light'
const WRITE = `UPDATE sandbox.budget_plan SET note = '${NOTE}' WHERE quarter = '2026Q4' AND team = 'ads'`
const CHANGED = `SELECT count(*) AS n FROM sandbox.budget_plan WHERE note = '${NOTE}'`

let stack: Stack
let editor: Editor

beforeAll(async () => {
  stack = await startStack()
  editor = await Editor.open({
    vsixes: [vsix, await packageModel()],
    settings: { 'gatehouse.registryUrl': stack.ready.registry },
    story: 'first-light',
  })
})
afterAll(async () => {
  await editor?.close()
  await stack?.stop()
})

beforeEach(() => {
  onTestFailed(() => editor.shot('failed'))
})

/** How many rows the write has changed, by the command line, which has a door of its own: what the editor says is not taken for the truth. */
async function changedRows(): Promise<number> {
  const args = [
    '--server',
    'presto',
    '--tool',
    'run_query',
    '--args',
    JSON.stringify({ sql: CHANGED }),
    '--user',
    'ada',
  ]
  const { status, stdout, stderr } = await stack.gatehouse('call', ...args)
  expect(status, stderr).toBe(0)
  const result = JSON.parse(stdout) as { structuredContent: { rows: unknown[][] } }
  return Number(result.structuredContent.rows[0]?.[0])
}

const call = (tool: string, args: Record<string, unknown>) => `call ${tool} ${JSON.stringify(args)}`

describe('first light, as a person', () => {
  test('a fresh profile says what to do, and sign-in goes through the identity provider’s page', async () => {
    verifies('AUTH-1.1', 'AUTH-1.3', 'EDIT-8.1')
    await editor.command('View: Show Gatehouse')
    await editor.page.getByText('Sign in once to use every server').waitFor()
    await editor.shot('signed-out')
    await signIn(editor, 'ada')
    await editor.shot('signed-in')
  })

  test('the tree shows Presto with owner, review state and tools', async () => {
    verifies('EDIT-1.1', 'EDIT-1.3')
    const tree = editor.page.getByRole('tree', { name: /Servers/ })
    const presto = tree.getByRole('treeitem', { name: /Presto/ }).first()
    await presto.waitFor({ timeout: 30_000 })
    await presto.click()
    await editor.page.keyboard.press('ArrowRight')
    await tree.getByText('Data Platform').first().waitFor()
    await editor.shot('tree')
  })

  test('the chat’s agent mode searches, queries, and shows the rows', async () => {
    verifies('EDIT-2.1', 'SRV-KIT.2')
    await editor.prepareChat()
    const query = call('run_query', { sql: 'SELECT n_name FROM tpch.nation ORDER BY n_name LIMIT 3' })
    await editor.ask(`${call('search_tables', { words: 'nation' })} ;; ${query}`)
    await editor.chat().getByText('ALGERIA').first().waitFor({ timeout: 60_000 })
    await editor.shot('rows-in-chat')
  })

  test('a write waits in the panel with its exact SQL and effect; rejected, nothing changes', async () => {
    verifies('EDIT-3.1', 'EDIT-3.2')
    await editor.newChat()
    await editor.ask(call('execute_statement', { sql: WRITE }))
    await editor.allowInSession()
    await editor.command('Gatehouse: Show Plans')
    const panel = editor.webview()
    await panel.getByText('execute_statement').first().waitFor({ timeout: 30_000 })
    await panel.locator('pre').filter({ hasText: WRITE }).first().waitFor()
    await panel.getByText('Changes data').first().waitFor()
    await panel
      .getByText(/4 rows|rows: 4|4 row/)
      .first()
      .waitFor()
    await editor.shot('waiting')
    await editor.press(panel.getByRole('button', { name: /^Reject / }).first())
    await editor
      .chat()
      .getByText(/rejected/i)
      .first()
      .waitFor({ timeout: 30_000 })
    await editor.shot('rejected')
    expect(await changedRows()).toBe(0)
  })

  test('approved, it changes exactly once', async () => {
    verifies('EDIT-3.2')
    await editor.newChat()
    await editor.ask(call('execute_statement', { sql: WRITE }))
    // The editor's own card was answered for this session, and does not come back; the step waits all the same.
    const panel = editor.webview()
    await editor.press(panel.getByRole('button', { name: /^Approve / }).first())
    await editor
      .chat()
      .getByText(/rows_changed/)
      .first()
      .waitFor({ timeout: 30_000 })
    await editor.shot('approved')
    expect(await changedRows()).toBe(4)
  })

  test('calls that arrive together are shown together and decided together', async () => {
    verifies('EDIT-3.1')
    await editor.newChat()
    const twice = [1, 2].map((n) =>
      call('execute_statement', { sql: `DELETE FROM sandbox.budget_plan WHERE note = 'none ${n}'` }),
    )
    await editor.ask(`together ;; ${twice.join(' ;; ')}`)
    const panel = editor.webview()
    await panel.getByText('2 steps').first().waitFor({ timeout: 60_000 })
    await editor.shot('two-steps')
    await editor.press(panel.getByRole('button', { name: 'Approve all 2' }))
    await editor
      .chat()
      .getByText(/rows_changed.*rows_changed/s)
      .first()
      .waitFor({ timeout: 60_000 })
    await editor.shot('two-approved')
  })

  test('a server added to the registry after sign-in is listed and called with no browser', async () => {
    verifies('AUTH-2.2', 'AUTH-2.1')
    const pages = editor.context.pages().length
    const late = await startLateServer(stack)
    try {
      await editor.command('Gatehouse: Refresh Servers')
      const tree = editor.page.getByRole('tree', { name: /Servers/ })
      await tree.getByRole('treeitem', { name: /Late/ }).first().waitFor({ timeout: 30_000 })
      await editor.newChat()
      await editor.ask(call('echo', { text: 'no second sign-in' }))
      await editor.chat().getByText('"echoed":"no second sign-in"').first().waitFor({ timeout: 60_000 })
      await editor.shot('late-server')
      expect(editor.context.pages().length).toBe(pages)
    } finally {
      await late.stop()
    }
  })

  test('the finance analyst cannot query the ads table, and is told why', async () => {
    verifies('AUTH-8.3', 'SRV-P.1')
    await signOut(editor)
    await signIn(editor, 'finn')
    await editor.newChat()
    await editor.ask(call('run_query', { sql: 'SELECT * FROM ads.campaign_revenue' }))
    await editor
      .chat()
      .getByText(/needs|ads/)
      .first()
      .waitFor({ timeout: 60_000 })
    await editor
      .chat()
      .getByText(/Results:/)
      .first()
      .waitFor({ timeout: 60_000 })
    expect(await editor.chat().innerText()).toMatch(/group.*ads/i)
    await editor.shot('finance-denied')
  })

  test('the contractor cannot use Presto, and is told why and whom to ask', async () => {
    verifies('AUTH-9.1', 'AUTH-8.3')
    await signOut(editor)
    await signIn(editor, 'carl')
    const tree = editor.page.getByRole('tree', { name: /Servers/ })
    await tree
      .getByText(/#presto-help/)
      .first()
      .waitFor({ timeout: 30_000 })
    await editor.shot('contractor-denied')
  })
})
