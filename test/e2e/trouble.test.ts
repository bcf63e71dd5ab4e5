import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFailed, test } from 'vitest'
import { freePort } from '../../scripts/free-port.ts'
import { verifies } from '../requirements.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { Editor } from './support/editor.ts'
import { packageModel } from './support/model.ts'
import { PASSWORD } from './support/sign-in.ts'

const vsix = join(import.meta.dirname, '../../dist/gatehouse.vsix')

let stack: Stack
let editor: Editor
let silent: Server
let webPage: Server
const held = new Set<Socket>()
/** Processes that a test holds still; a test that fails must not leave one so. */
const frozen = new Set<number>()

beforeAll(async () => {
  silent = createServer((socket) => {
    held.add(socket)
    socket.on('error', () => undefined)
  })
  webPage = createHttpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Welcome to the guest network</h1>')
  })
  await Promise.all([listening(silent), listening(webPage)])
  stack = await startStack()
  editor = await Editor.open({
    vsixes: [vsix, await packageModel()],
    settings: { 'gatehouse.registryUrl': `http://127.0.0.1:${await freePort()}` },
    story: 'trouble',
  })
})
afterAll(async () => {
  await editor?.close()
  await stack?.stop()
  for (const socket of held) socket.destroy()
  silent?.close()
  webPage?.close()
})

beforeEach(() => {
  onTestFailed(async () => {
    for (const pid of frozen) thaw(pid)
    await editor.shot('failed')
  })
})

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}

function origin(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function freeze(service: 'identity' | 'registry' | 'presto'): Promise<number> {
  const pid = await stack.pid(service)
  frozen.add(pid)
  process.kill(pid, 'SIGSTOP')
  return pid
}

function thaw(pid: number): void {
  process.kill(pid, 'SIGCONT')
  frozen.delete(pid)
}

function told(words: string): Locator {
  return editor.page.locator('.notifications-toasts .notification-list-item').filter({ hasText: words }).first()
}

/** By the button in the Servers view. */
async function pressSignIn(): Promise<void> {
  await editor.page.locator('.welcome-view .monaco-button', { hasText: 'Sign In' }).click({ timeout: 60_000 })
}

/** What the person sees in time, pictured, and then put away. */
async function expectTold(words: string, next: string | RegExp, shot: string, timeout = 30_000): Promise<void> {
  await told(words).waitFor({ timeout })
  await editor.shot(shot)
  await told(words).getByRole('button', { name: next }).waitFor({ timeout: 5000 })
  await told(words).hover()
  await told(words).locator('.codicon-notifications-clear').click()
  await told(words).waitFor({ state: 'hidden' })
}

/** A new address asks for a reload, and is used after it. */
async function useRegistry(url: string): Promise<void> {
  await editor.configure({ 'gatehouse.registryUrl': url })
  const toast = told('after a reload')
  await toast.waitFor({ timeout: 30_000 })
  await toast.getByRole('button', { name: 'Reload Window' }).click()
  await toast.waitFor({ state: 'hidden', timeout: 30_000 })
  // The window before the reload shows the same; the Plans view is loaded last.
  await editor.webview().getByText('the changes that agents propose').waitFor({ timeout: 90_000 })
}

/** Begins a sign-in. @returns the provider's page */
async function startSignIn(): Promise<Page> {
  const opened = editor.context.waitForEvent('page', { timeout: 60_000 })
  await pressSignIn()
  void editor.page
    .getByRole('button', { name: 'Open', exact: true })
    .click({ timeout: 60_000 })
    .catch(() => undefined)
  return opened
}

/** Signs in as Ada on the provider's page. @returns what its last page gives to paste */
async function finishOnPage(tab: Page): Promise<string> {
  await tab.locator('input[name="user"][value="ada"]').check()
  await tab.locator('input[type="password"]').fill(PASSWORD)
  await tab.getByRole('button', { name: 'Sign in' }).click()
  const code = await tab.locator('#response').inputValue()
  await tab.close()
  return code
}

const box = () => editor.page.locator('.quick-input-widget input').first()

async function paste(text: string): Promise<void> {
  await box().waitFor({ state: 'visible', timeout: 30_000 })
  await box().fill(text)
  await editor.page.keyboard.press('Enter')
}

const tree = () => editor.page.getByRole('tree', { name: /Servers/ })
const call = (tool: string, args: Record<string, unknown>) => `call ${tool} ${JSON.stringify(args)}`
const nation = call('run_query', { sql: 'SELECT n_name FROM tpch.nation ORDER BY n_name LIMIT 3' })

async function seesInChat(words: string | RegExp, timeout: number): Promise<void> {
  await editor.chat().getByText(words).first().waitFor({ timeout })
}

describe('a registry address that is wrong', () => {
  test('where nothing listens', async () => {
    verifies('AUTH-1.4', 'EDIT-8.1')
    await editor.command('View: Show Gatehouse')
    await editor.page.getByText('Sign in once to use every server').waitFor({ timeout: 60_000 })
    await pressSignIn()
    await expectTold('The registry cannot be reached', 'Open Settings', 'nothing-listens')
  })

  test('where the host accepts and hangs', async () => {
    verifies('AUTH-1.4', 'EDIT-8.1')
    await useRegistry(origin(silent))
    await pressSignIn()
    await expectTold('The registry does not answer', 'Try Again', 'host-hangs')
    await editor.page.getByText('Sign in once to use every server').waitFor()
  })

  test('where a web page answers', async () => {
    verifies('AUTH-1.4', 'EDIT-8.1')
    await useRegistry(origin(webPage))
    await pressSignIn()
    await expectTold('There is no Gatehouse registry at this address', 'Open Settings', 'web-page')
    await useRegistry(stack.ready.registry)
  })
})

describe('a sign-in that goes wrong', () => {
  test('cancelled on the provider’s page', async () => {
    verifies('AUTH-1.4')
    const tab = await startSignIn()
    await tab.getByRole('button', { name: 'Cancel' }).click()
    await tab.getByText('You cancelled the sign-in').waitFor()
    await editor.shotOf(tab, 'cancelled-on-page')
    const address = tab.url()
    await tab.close()
    await paste(address)
    await expectTold('Sign-in was cancelled', 'Sign In', 'cancelled')
  })

  test('nonsense instead of a code; then the box is closed and the sign-in called off', async () => {
    verifies('AUTH-1.3', 'AUTH-1.4')
    const tab = await startSignIn()
    await tab.close()
    await paste('my password is swordfish')
    await editor.page.getByText('This is not the whole code').first().waitFor()
    await editor.shot('nonsense')
    await editor.page.keyboard.press('Escape')
    await box().waitFor({ state: 'hidden' })
    await editor.page.getByText('Finish signing in in your browser').waitFor()
    await editor.shot('box-closed')
    await editor.page.locator('.welcome-view .monaco-button', { hasText: 'Cancel' }).click()
    await expectTold('Sign-in was cancelled', 'Sign In', 'called-off')
    await editor.page.getByText('Sign in once to use every server').waitFor()
  })

  test('the identity provider falls silent', async () => {
    verifies('AUTH-1.4')
    const tab = await startSignIn()
    const code = await finishOnPage(tab)
    const identity = await freeze('identity')
    await paste(code)
    await expectTold('The identity provider cannot be reached', 'Try Again', 'provider-silent')
    thaw(identity)
    await editor.page.getByText('Sign in once to use every server').waitFor()
  })
})

describe('trouble after the sign-in', () => {
  test('the registry falls silent: said in the tree, the list before stays in use, and it comes back', async () => {
    verifies('EDIT-1.2', 'EDIT-8.1')
    const tab = await startSignIn()
    const code = await finishOnPage(tab)
    await paste(code)
    await tree()
      .getByRole('treeitem', { name: /^Presto/ })
      .first()
      .waitFor({ timeout: 60_000 })
    await editor.prepareChat()
    const registry = await freeze('registry')
    await editor.command('Gatehouse: Refresh Servers')
    await tree()
      .getByRole('treeitem', { name: /The registry does not answer/ })
      .first()
      .waitFor({ timeout: 30_000 })
    await tree().getByText('Last list used until').waitFor()
    await tree()
      .getByRole('treeitem', { name: /^Presto/ })
      .first()
      .waitFor()
    await editor.shot('registry-silent')
    await editor.newChat()
    await editor.ask(nation)
    await seesInChat('ALGERIA', 30_000)
    await editor.shot('cached-list-used')
    thaw(registry)
    await editor.command('Gatehouse: Refresh Servers')
    await tree().getByText('Last list used until').waitFor({ state: 'hidden', timeout: 30_000 })
  })

  test('the server falls silent: the call ends and says so, and works again when the server does', async () => {
    verifies('EDIT-8.1')
    const presto = await freeze('presto')
    await editor.newChat()
    await editor.ask(nation)
    await seesInChat(/Presto does not answer/, 60_000)
    await editor.shot('server-silent')
    thaw(presto)
    await editor.newChat()
    await editor.ask(nation)
    await seesInChat('ALGERIA', 30_000)
  })

  test('SQL that is empty, two statements, or unfinished', async () => {
    verifies('SRV-P.2', 'EDIT-8.1')
    await editor.newChat()
    const statements = ['', 'SELECT 1; SELECT 2', 'SELECT n_name FROM tpch.nation WHERE']
    await editor.ask(statements.map((sql) => call('run_query', { sql })).join(' ;; '))
    await seesInChat('Results:', 60_000)
    await editor.shot('bad-sql')
    const said = await editor.chat().innerText()
    expect(said).toContain('there is no statement (sql_empty). Send one SQL statement.')
    expect(said).toContain('there is more than one statement (sql_many_statements). Send them one at a time.')
    expect(said).toMatch(/the statement ends too early \(sql_syntax\)\. Correct the statement/)
  })

  test('@gatehouse says which servers and tools there are', async () => {
    verifies('EDIT-2.2')
    await editor.newChat()
    await editor.ask('@gatehouse /servers')
    await seesInChat(/search_tables, describe_table/, 60_000)
    await editor.shot('participant-servers')
  })

  test('SQL of a megabyte', async () => {
    verifies('SRV-KIT.7')
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-long-'))
    const file = join(folder, 'arguments.json')
    await writeFile(file, JSON.stringify({ sql: `SELECT '${'x'.repeat(1024 * 1024)}'` }))
    const args = ['--server', 'presto', '--tool', 'run_query', '--args', `@${file}`, '--user', 'ada']
    const { status, stdout, stderr } = await stack.gatehouse('call', ...args)
    await rm(folder, { recursive: true })
    expect(status, stdout).toBe(1)
    expect(stderr).toContain('Presto does not take so much at once; nothing ran (request_too_large)')
  })
})
