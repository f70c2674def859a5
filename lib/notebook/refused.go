package notebook

import "strings"

// escaped stands for a name that is written with escapes.
const escaped = `U&"..."`

// refused are functions with effects that neither a read-only transaction nor a role without rights stops, and what they
// do. The list is the third fence, not the only one: cells run in both (pg.Reader).
var refused = func() map[string]string {
	const session, lock, dynamic, other = "changes the session", "holds a lock beyond the query", "runs SQL that nobody has checked", "asks another database"
	m := map[string]string{"set_config": session, "pg_logical_emit_message": "writes into the log of the server", "pg_notify": "sends messages",
		"dblink": other, "dblink_exec": other, "dblink_connect": other, "dblink_connect_u": other, "dblink_open": other, "dblink_send_query": other,
		"ts_stat": dynamic, "ts_rewrite": dynamic, escaped: "can name any function unseen"}
	for _, name := range []string{"pg_advisory_lock", "pg_advisory_lock_shared", "pg_try_advisory_lock", "pg_try_advisory_lock_shared",
		"pg_advisory_unlock", "pg_advisory_unlock_shared", "pg_advisory_unlock_all"} {
		m[name] = lock
	}
	for _, what := range []string{"query", "table", "cursor", "schema", "database"} {
		for _, form := range []string{"_to_xml", "_to_xmlschema", "_to_xml_and_xmlschema"} {
			m[what+form] = dynamic
		}
	}
	return m
}()

// firstWord gives the place of the word a query begins with, behind blanks, comments and parentheses; both are 0 when there
// is none.
func firstWord(sql string) (start, end int) {
	for i := 0; i < len(sql); {
		switch {
		case strings.HasPrefix(sql[i:], "--"):
			i = skipLine(sql, i)
		case strings.HasPrefix(sql[i:], "/*"):
			i = skipComment(sql, i)
		case isSpace(sql[i]) || sql[i] == '(':
			i++
		default:
			end := i
			for end < len(sql) && isWordByte(sql[end]) {
				end++
			}
			return i, end
		}
	}
	return 0, 0
}

// calls lists the names in a query that stand before a parenthesis, in small letters, with their offsets. Names in quotes
// are read too.
func calls(sql string) []word {
	var out []word
	name := word{at: -1} // read last
	for i := 0; i < len(sql); {
		c := sql[i]
		switch {
		case strings.HasPrefix(sql[i:], "--"):
			i = skipLine(sql, i)
		case strings.HasPrefix(sql[i:], "/*"):
			i = skipComment(sql, i)
		case c == '\'':
			i, name.at = skipQuoted(sql, i, '\'', i > 0 && (sql[i-1] == 'e' || sql[i-1] == 'E') && (i == 1 || !isWordByte(sql[i-2]))), -1
		case c == '$' && (i == 0 || !isWordByte(sql[i-1])):
			i, name.at = skipDollar(sql, i), -1
		case c == '"':
			end := skipQuoted(sql, i, '"', false)
			name = word{strings.ReplaceAll(strings.Trim(sql[i:end], `"`), `""`, `"`), i}
			if i >= 2 && strings.EqualFold(sql[i-2:i], "u&") {
				name.text = escaped
			}
			i = end
		case isWordByte(c):
			end := i
			for end < len(sql) && (isWordByte(sql[end]) || sql[end] == '$') {
				end++
			}
			name, i = word{strings.ToLower(sql[i:end]), i}, end
		case c == '(' && name.at >= 0:
			out = append(out, name)
			i, name.at = i+1, -1
		case isSpace(c):
			i++
		default:
			i, name.at = i+1, -1
		}
	}
	return out
}
