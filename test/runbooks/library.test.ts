import { execFileSync } from 'node:child_process'
import { link, mkdir, rename, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { Library } from '../../companion/servers/runbooks/src/library/library.ts'
import { type Folder, openFolder } from './folder.ts'

const open: Folder[] = []
afterEach(async () => {
  for (const folder of open.splice(0)) await folder.remove()
})
async function folderOf(...given: Parameters<typeof openFolder>): Promise<Folder> {
  const folder = await openFolder(...given)
  open.push(folder)
  return folder
}

describe('the folder of runbooks', () => {
  it('is read again where a file came, changed or went, and only there', async () => {
    const folder = await folderOf({ 'one.md': '# One', 'two.md': '# Two' })
    const [one] = await folder.library.runbooks()
    expect(await folder.ids()).toEqual(['one', 'two'])
    await folder.write('two.md', '# Two, changed')
    await folder.write('three.md', '# Three')
    const now = await folder.library.runbooks()
    expect(now.map(({ runbook }) => runbook.title)).toEqual(['One', 'Three', 'Two, changed'])
    expect(now[0]).toBe(one)
    await rm(join(folder.path, 'one.md'))
    expect(await folder.ids()).toEqual(['three', 'two'])
    expect(folder.changed.sort()).toEqual(['one', 'three', 'two'])
  })

  it('notices a file that another of the same size and time took the place of', async () => {
    const folder = await folderOf({ 'one.md': '# One' })
    const time = new Date('2026-01-01')
    await utimes(join(folder.path, 'one.md'), time, time)
    expect((await folder.library.runbooks())[0]?.runbook.title).toBe('One')
    await folder.write('draft', '# Two')
    await utimes(join(folder.path, 'draft'), time, time)
    await rename(join(folder.path, 'draft'), join(folder.path, 'one.md'))
    expect((await folder.library.runbooks())[0]?.runbook.title).toBe('Two')
  })

  it('that is not there does not start a server, and one that goes away does not serve what it was', async () => {
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
    await expect(Library.open({ folder: '/no/such/folder', log })).rejects.toMatchObject({ code: 'folder_unusable' })
    const folder = await folderOf({ 'one.md': '# One' })
    await folder.remove()
    await expect(folder.library.runbooks()).rejects.toMatchObject({ code: 'folder_unusable' })
  })
})

describe('a file that is not a runbook', () => {
  it('leads nowhere: links, hard ones apart, folders, pipes and names with more than letters are left out', async () => {
    const outside = await folderOf({ 'secret.md': '# Secret' })
    const folder = await folderOf({ 'good.md': '# Good' })
    await symlink(join(outside.path, 'secret.md'), join(folder.path, 'linked.md'))
    await symlink(outside.path, join(folder.path, 'folder.md'))
    await symlink('good.md', join(folder.path, 'near.md'))
    await mkdir(join(folder.path, 'below.md'))
    await writeFile(join(folder.path, 'below.md/inner.md'), '# Inner')
    execFileSync('mkfifo', [join(folder.path, 'pipe.md')])
    for (const name of ['Capital.md', 'a b.md', '.md', '.hidden.md', 'a..b.md', 'ä.md', `${'x'.repeat(81)}.md`, 'a.MD'])
      await folder.write(name, '# Name')
    await link(join(folder.path, 'good.md'), join(folder.path, 'same.md'))
    expect(await folder.ids()).toEqual(['good', 'same'])
  })

  it('changed into a link between the look and the reading is not followed', async () => {
    const outside = await folderOf({ 'secret.md': '# Secret' })
    const folder = await folderOf({ 'good.md': '# Good' })
    const { readRunbookFile, FOLDER_LIMITS } = await import('../../companion/servers/runbooks/src/library/folder.ts')
    await rm(join(folder.path, 'good.md'))
    await symlink(join(outside.path, 'secret.md'), join(folder.path, 'good.md'))
    const seen = { id: 'good', name: 'good.md', stamp: '' }
    await expect(readRunbookFile(folder.path, seen, FOLDER_LIMITS)).rejects.toMatchObject({ code: 'runbook_refused' })
  })

  it('is left out and said so: not UTF-8, no text, too long, without a title; the others stay', async () => {
    const folder = await folderOf({ 'good.md': '# Good' }, { fileBytes: 100 })
    await folder.write('latin.md', Buffer.from('# caf\xe9', 'latin1'))
    await folder.write('binary.md', '# A\0B')
    await folder.write('long.md', `# Long\n${'x'.repeat(100)}`)
    await folder.write('empty.md', '')
    expect(await folder.ids()).toEqual(['good'])
    for (const why of ['it is not UTF-8', 'it is not text', 'it is longer than 100 bytes', 'no heading of level 1'])
      expect(folder.log.filter((line) => line.includes(why))).toHaveLength(1)
    await folder.ids()
    expect(folder.log).toHaveLength(4)
    await folder.write('latin.md', '# café')
    expect(await folder.ids()).toEqual(['good', 'latin'])
  })

  it('that was good and is not any more is not served as it was', async () => {
    const folder = await folderOf({ 'one.md': '# One' })
    expect(await folder.ids()).toEqual(['one'])
    await folder.write('one.md', 'no title')
    expect(await folder.ids()).toEqual([])
    expect(folder.changed).toEqual(['one'])
  })
})

describe('more than is kept', () => {
  it('of files and of bytes is left out by name, and said', async () => {
    const some = Object.fromEntries(['a', 'b', 'c'].map((name) => [`${name}.md`, `# ${name}`]))
    const few = await folderOf(some, { files: 2 })
    expect(await few.ids()).toEqual(['a', 'b'])
    expect(few.log.join()).toContain('1 runbooks are left out')
    const small = await folderOf(some, { totalBytes: 7 })
    expect(await small.ids()).toEqual(['a', 'b'])
  })

  it('of entries of a folder is refused before they are all looked at', async () => {
    const folder = await folderOf({ 'a.md': '# A' }, { entries: 2 })
    for (const name of ['x', 'y']) await folder.write(name, '')
    await expect(folder.library.runbooks()).rejects.toThrow('it holds more than 2 entries')
  })
})
