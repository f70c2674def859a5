// Package event turns the JSON messages of a topic into Arrow columns, by a schema that is declared and not
// written in Go, and says precisely what is wrong with a message that does not fit it.
//
// It is strict: no value is rounded, cut or guessed. A message becomes a row exactly as it is, or it is a *Reject
// with a reason a person can act on; the caller keeps it as a dead letter. Amounts are integers of the column's
// smallest unit from the first digit on and are never a float.
//
// # What is accepted
//
// A message is one JSON object (RFC 8259) in UTF-8, with keys in any order and white space anywhere. Unknown keys are
// skipped with all they hold, and counted by name (Decoder.Unknown). A declared key that comes twice is a reject, since which value was meant is a guess.
//
//	int64          a number without a fraction: 12, 1e3, 12.0
//	float64        a number
//	decimal(p,s)   a number or a string that holds one, with at most s decimals and p-s digits before the point
//	               (trailing zeros do not count): 12.5, "12.50", 1.25e1
//	string         a string of valid UTF-8 without \u0000, which Postgres cannot store
//	bool           true or false
//	timestamp      a string "2006-01-02 15:04:05" or "2006-01-02T15:04:05", with up to six decimals and with Z or an
//	               offset if wanted; without one it is UTC. By format: a number of seconds (epoch_s), milliseconds
//	               (epoch_ms) or microseconds (epoch_us) since 1970. Years 1 to 9999; no leap seconds.
//
// A key that is missing takes the field's default, or is null when it is nullable; a null is null when the field is
// nullable, and takes the default otherwise. With neither, both are rejects. A nested value is declared by its path;
// an object on the way that is missing or null makes everything in it missing.
//
// # How it is fast
//
// Messages of a topic look alike. A Decoder learns the text between the values from messages it has seen (keys,
// their order, separators) and tries that first: the text is compared, only the values are parsed. A message in
// another shape goes to a scanner that takes any order, and what that does not take goes to a slow, exact path, which
// alone decides on rejects. All three write into column buffers that become the Arrow record without a copy.
package event
