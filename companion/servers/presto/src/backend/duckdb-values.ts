import {
  type DuckDBType,
  DuckDBTypeId,
  type DuckDBValue,
  type DuckDBValueConverter,
  JsonDuckDBValueConverter,
} from '@duckdb/node-api'
import type { Json } from '@gatehouse/contracts'

/**
 * DuckDB's own converter is exact already: big integers and decimals become strings. Its timestamps have a space where ISO 8601 has a T,
 * and a blob is shown as text.
 */
export const toJson: DuckDBValueConverter<Json> = (value, type, converter) => {
  if (value === null) return null
  if (type.typeId === DuckDBTypeId.BLOB) return hexOf(value)
  const plain = JsonDuckDBValueConverter(value, type, converter)
  return isTimestamp(type) && typeof plain === 'string' ? isoTimestamp(plain) : plain
}

const TIMESTAMPS: readonly DuckDBTypeId[] = [
  DuckDBTypeId.TIMESTAMP,
  DuckDBTypeId.TIMESTAMP_S,
  DuckDBTypeId.TIMESTAMP_MS,
  DuckDBTypeId.TIMESTAMP_NS,
  DuckDBTypeId.TIMESTAMP_TZ,
]

function isTimestamp(type: DuckDBType): boolean {
  return TIMESTAMPS.includes(type.typeId)
}

/** `2026-01-31 10:00:00+00` to `2026-01-31T10:00:00Z`. */
function isoTimestamp(text: string): string {
  return text
    .replace(' ', 'T')
    .replace(/\+00(:00)?$/, 'Z')
    .replace(/([+-]\d\d)$/, '$1:00')
}

function hexOf(value: DuckDBValue): string {
  const bytes = value !== null && typeof value === 'object' && 'bytes' in value ? value.bytes : undefined
  return bytes instanceof Uint8Array ? `0x${Buffer.from(bytes).toString('hex')}` : String(value)
}
