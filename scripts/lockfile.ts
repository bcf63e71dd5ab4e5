/** What a package-lock.json says of one package; keyed by its path from the root, '' being the root itself. */
export interface LockedPackage {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

/** Where a package at `from` finds `name`, by Node's own resolution: the package's folder, then each folder above it. */
export function nearest(
  packages: Readonly<Record<string, LockedPackage>>,
  from: string,
  name: string,
): string | undefined {
  let folder = from
  for (;;) {
    const path = `${folder === '' ? '' : `${folder}/`}node_modules/${name}`
    if (packages[path]) return path
    if (folder === '') return undefined
    const cut = folder.lastIndexOf('node_modules/')
    folder = cut <= 0 ? '' : folder.slice(0, cut - 1)
  }
}

/** Optional packages that a lockfile names without holding them: npm refuses such a one ("Missing: … from lock file"). */
export function missingPackages(packages: Readonly<Record<string, LockedPackage>>) {
  return Object.entries(packages).flatMap(([path, wanting]) =>
    Object.entries(wanting.optionalDependencies ?? {})
      .filter(([name]) => nearest(packages, path, name) === undefined)
      .map(([name, version]) => ({ name, version, wanting })),
  )
}
