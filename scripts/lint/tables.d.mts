export function writtenTables(text: string, models: Map<string, string>): string[]
export function tablesOfModels(schema: string): Map<string, string>
export function checkTables(): Promise<string | null>
