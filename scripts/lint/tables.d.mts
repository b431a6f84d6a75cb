export function writtenTables(text: string, models: Map<string, string>): string[]
export function tablesOfModels(schema: string): Map<string, string>
export function hasUntypedSql(text: string): boolean
export function checkTables(): Promise<string | null>
