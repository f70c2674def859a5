// Package csvfile reads CSV files of any size row by row: what a shop exports, as it comes. A gzip file is read as it is,
// a byte order mark is skipped, lines may end in CRLF, and nothing is guessed: a cell is text until a [Type] reads it.
//
// Whatever is wrong with a file is an [*Error] with line and column, so that a person finds it in a file of millions of
// lines. A row is at most [MaxRow] bytes, so that a quote that never ends does not take all memory.
package csvfile
