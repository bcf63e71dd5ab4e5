import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import {
  type Browser,
  type BrowserContext,
  chromium,
  type FrameLocator,
  type Locator,
  type Page,
} from 'playwright-core'
import { expect } from 'vitest'
import { type CodeServer, startCodeServer } from '../../../scripts/code-server.ts'

const CHROMIUM = process.env['GATEHOUSE_CHROMIUM'] ?? '/usr/bin/chromium'
const BROWSER_FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const screenshots = join(import.meta.dirname, '../../../test-results/screenshots')

function appears(locator: Locator, timeout: number): Promise<boolean> {
  return locator.waitFor({ state: 'visible', timeout }).then(
    () => true,
    () => false,
  )
}

/** Starts the headless browser that every end-to-end suite drives. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM, args: BROWSER_FLAGS })
}

export interface EditorOptions {
  readonly vsixes: readonly string[]
  readonly settings: Readonly<Record<string, unknown>>
  /** Files of the workspace by their path in it. */
  readonly files?: Readonly<Record<string, string>>
  /** Environment of the editor's server, besides that of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Prefix of the screenshots' names. */
  readonly story: string
}

/** A real VS Code with a fresh profile, and a person at its keyboard. */
export class Editor {
  readonly page: Page
  readonly context: BrowserContext
  private readonly browser: Browser
  private readonly server: CodeServer
  private readonly home: string
  private readonly story: string
  private step = 0

  private constructor(page: Page, browser: Browser, server: CodeServer, home: string, story: string) {
    this.page = page
    this.context = page.context()
    this.browser = browser
    this.server = server
    this.home = home
    this.story = story
  }

  static async open(options: EditorOptions): Promise<Editor> {
    const home = await mkdtemp(join(tmpdir(), 'gatehouse-editor-'))
    const workspace = join(home, 'workspace')
    await mkdir(workspace)
    for (const [path, text] of Object.entries(options.files ?? {})) {
      await mkdir(dirname(join(workspace, path)), { recursive: true })
      await writeFile(join(workspace, path), text)
    }
    const server = await startCodeServer({
      home,
      extensions: options.vsixes,
      settings: options.settings,
      ...(options.env && { env: options.env }),
    })
    const browser = await launchBrowser()
    const context = await browser.newContext({ viewport: { width: 1500, height: 950 } })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const page = await context.newPage()
    await page.goto(`${server.url}/?folder=${encodeURIComponent(workspace)}`)
    await page.waitForSelector('.monaco-workbench .statusbar', { timeout: 60_000 })
    return new Editor(page, browser, server, home, options.story)
  }

  /** Replaces the settings of this machine, which win over the person's and are watched by the open window. */
  async configure(settings: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFile(join(this.home, 'user-data', 'Machine', 'settings.json'), JSON.stringify(settings))
  }

  /** Keeps a picture of the whole window under test-results/screenshots. */
  shot(name: string): Promise<void> {
    return this.shotOf(this.page, name)
  }

  async shotOf(page: Page, name: string): Promise<void> {
    this.step++
    const file = `${this.story}-${String(this.step).padStart(2, '0')}-${name}.png`
    await page.screenshot({ path: join(screenshots, file) })
  }

  /** Runs a command by its title through the command palette. */
  async command(title: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input[type="text"]').first()
    const exact = new RegExp(`^${title.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(,|$)`)
    const row = this.page.locator('.quick-input-list').getByRole('option', { name: exact }).first()
    // Commands of an extension that is still being scanned are missing at first: ask again.
    for (let attempt = 0; attempt < 15; attempt++) {
      // A view that is just taking the focus swallows the key, or closes what the key has opened.
      if (!(await input.isVisible())) await this.page.keyboard.press('F1')
      if (!(await appears(input, 4000))) continue
      await input.fill(`>${title}`, { timeout: 2000 }).catch(() => undefined)
      if (await appears(row, 2000)) break
      await input.fill('>', { timeout: 2000 }).catch(() => undefined)
    }
    await this.page.keyboard.press('Enter')
  }

  /**
   * The chat takes the scripted model after its list of models has been loaded once, and after the extensions are up; a prompt sent
   * before that is answered by a sign-in page of the editor's own.
   */
  async prepareChat(): Promise<void> {
    await this.command('Chat: Manage Language Models')
    await this.page.getByText('Scripted', { exact: true }).first().waitFor({ timeout: 60_000 })
    const dialog = this.page.getByText('Install Model Providers')
    for (let attempt = 0; attempt < 5 && (await dialog.isVisible()); attempt++) {
      await this.page.keyboard.press('Escape')
      await this.page.waitForTimeout(500)
    }
    await this.page.getByText('Activating Extensions').waitFor({ state: 'hidden', timeout: 90_000 })
    for (let attempt = 0; attempt < 4; attempt++) {
      await this.newChat()
      await this.ask('hello')
      if (await appears(this.chat().getByText('I have').first(), 20_000)) break
      await this.page.keyboard.press('Escape')
    }
    await this.newChat()
  }

  /** Sends a prompt to the editor's own chat, in agent mode. */
  async ask(prompt: string): Promise<void> {
    const input = this.page.locator('.interactive-session .chat-input-container .monaco-editor').first()
    await input.click()
    await this.page.keyboard.insertText(prompt)
    await this.page.keyboard.press('Enter')
  }

  /** The editor's own card before a tool that is not read-only: allowed in this session. It is no approval; see the Plans view. */
  async allowInSession(): Promise<void> {
    await this.page
      .getByRole('button', { name: /^Allow/ })
      .first()
      .click({ timeout: 60_000 })
  }

  /** A decision button takes a click only after it has stood still in view for a while. */
  async press(button: Locator): Promise<void> {
    await button.waitFor({ state: 'visible', timeout: 30_000 })
    await expect.poll(() => button.getAttribute('aria-disabled'), { timeout: 10_000 }).toBe('false')
    await button.click()
  }

  /** Waits until the old conversation is gone, else the next prompt would still go there. */
  async newChat(): Promise<void> {
    const chat = this.page.locator('.part.auxiliarybar')
    await chat
      .getByRole('button', { name: /^New Chat/ })
      .first()
      .click()
    await chat.getByText('Build with Agent').waitFor({ timeout: 30_000 })
    await this.page.waitForTimeout(1000)
  }

  chat() {
    return this.page.getByRole('list', { name: 'Chat' })
  }

  /** Content of the visible webview. */
  webview(): FrameLocator {
    return this.page.frameLocator('iframe.webview.ready').frameLocator('iframe#active-frame')
  }

  async close(): Promise<void> {
    await this.browser.close()
    await this.server.stop()
    await rm(this.home, { recursive: true, force: true, maxRetries: 5 })
  }
}
