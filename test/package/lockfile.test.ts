import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type LockedPackage, missingPackages } from '../../scripts/lockfile.ts'

test('the lockfile holds the packages of every platform, or npm ci refuses it (scripts/complete-lockfile.ts adds them)', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, LockedPackage>>
  }
  expect(missingPackages(packages).map(({ name }) => name)).toEqual([])
})
