package stream

import (
	"fmt"
	"strings"

	"tillflow/lib/event"
	"tillflow/lib/ledger"
)

// problems says what is wrong with a batch's messages, by what it is, for the ledger to count in the batch's
// transaction. It is nil for a batch with nothing wrong, and costs a batch of rows nothing.
func (w *writer) problems(unknown []event.Unknown, first int64, dead, held []ledger.Letter, conflicts []ledger.Conflict) []ledger.Seen {
	if len(unknown)+len(dead)+len(held)+len(conflicts) == 0 {
		return nil
	}
	var list seenList
	for _, u := range unknown {
		list.add(ledger.KindUnknown, u.Name, u.Count, u.Example, first)
	}
	for _, d := range dead {
		list.add(ledger.KindDead, reasonClass(d.Reason), 1, d.Reason, d.Offset)
	}
	for _, h := range held {
		for _, need := range h.Needs {
			dimension, _, _ := strings.Cut(need, "=")
			list.add(ledger.KindHeld, dimension, 1, need, h.Offset)
		}
	}
	for _, c := range conflicts {
		list.add(ledger.KindConflict, w.raw.name, 1, c.How, c.Offset)
	}
	for i := range list.seen {
		list.seen[i].Advice = messageAdvice(w.lease.Job, list.seen[i])
	}
	return list.seen
}

// worsened are the messages that a second try has found something else wrong with than what was counted before.
func worsened(from ledger.Source, before []ledger.Letter, acc *ledger.Batch) (dead, held []ledger.Letter) {
	if from == ledger.FromHeld {
		return acc.Dead, nil
	}
	was := map[int64]string{}
	for _, l := range before {
		was[l.Offset] = reasonClass(l.Reason)
	}
	for _, d := range acc.Dead {
		if was[d.Offset] != reasonClass(d.Reason) {
			dead = append(dead, d)
		}
	}
	return dead, acc.Held
}

// seenList collects what was seen by kind and subject.
type seenList struct {
	seen []ledger.Seen
	at   map[[2]string]int
}

func (l *seenList) add(kind, subject string, n int64, example string, offset int64) {
	key := [2]string{kind, subject}
	i, ok := l.at[key]
	if !ok {
		if l.at == nil {
			l.at = map[[2]string]int{}
		}
		i = len(l.seen)
		l.at[key] = i
		l.seen = append(l.seen, ledger.Seen{Kind: kind, Subject: subject, Example: example, Offset: offset})
	}
	s := &l.seen[i]
	s.Count += n
	if offset < s.Offset {
		s.Example, s.Offset = example, offset
	}
}

// messageAdvice says what to do about messages with something wrong.
func messageAdvice(job string, s ledger.Seen) string {
	switch s.Kind {
	case ledger.KindHeld:
		table, _, _ := cutLast(s.Subject, ".")
		return fmt.Sprintf("Add the missing rows to %s; the messages go in by themselves a second later.", table)
	case ledger.KindConflict:
		return fmt.Sprintf("The row of %s that came first stays; the other message is counted as a duplicate. If it is a correction, the producer "+
			"must give it a key of its own.", s.Subject)
	case ledger.KindUnknown:
		return "It is left out of the tables. Declare it under fields: if it is wanted, and restart."
	}
	look := fmt.Sprintf("dag deadletters ls --stream %s --reason %s", job, shellWord(s.Subject))
	if strings.HasPrefix(s.Subject, refusedPrefix) {
		return look + "\nChange the table or the producer; then try them again: dag deadletters replay, with the same flags."
	}
	return look + "\nMend the producer, or the field in the dagfile and restart; then try them again: dag deadletters replay, with the same flags."
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// shellWord makes one word of s for a POSIX shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// refusedPrefix begins the reason of a row that the table refused.
const refusedPrefix = "the table refuses it: "

// valueTails are how reasons go on after a value of the message. Package event writes them.
var valueTails = []string{
	" is a string, not ", " is a number, not ", " is a bool, not ", " is an object, not ", " is an array, not ", " is null, not ",
	" is not one of ", " is below the minimum ", " is above the maximum ", " is outside the years 1 to 9999", " does not fit ",
	" has a fraction, ", " is not a number", " is neither true nor false", notATime, hasDigits,
}

const (
	notATime  = " is not a time: " // and why; that is the value's own
	hasDigits = " has "            // 3 decimals, ... or far too many digits before the point, ...
)

// reasonClass is the reason of a dead letter with * for what is the message's own, so that messages that are wrong in the
// same way have the same. It is a pattern that the reason itself matches, as `dag deadletters --reason` takes it.
func reasonClass(reason string) string {
	switch {
	case strings.HasPrefix(reason, "not JSON: "):
		return "not JSON: *"
	case strings.HasPrefix(reason, refusedPrefix):
		message, _, detail := strings.Cut(reason, " (")
		if detail {
			message += " (*"
		}
		return message
	}
	field, rest, ok := strings.Cut(reason, ": ")
	if !ok {
		return reason
	}
	return field + ": " + starred(rest)
}

// starred is what is wrong with a field, with * for the value.
func starred(what string) string {
	if _, allowed, ok := strings.Cut(what, " characters, "); ok && strings.HasPrefix(what, "text has ") {
		return "text has * characters, " + allowed
	}
	for _, end := range []string{"text is not valid UTF-8: ", "text holds half of a surrogate pair"} {
		if strings.HasPrefix(what, end) {
			return end + "*"
		}
	}
	// The value may hold anything, also the words of a tail: the last tail is the one.
	at, last := -1, ""
	for _, t := range valueTails {
		if i := strings.LastIndex(what, t); i > at && (t != hasDigits || starDigits(what[i:]) != "") {
			at, last = i, t
		}
	}
	switch last {
	case "":
		return what
	case notATime:
		return "*" + notATime + "*"
	case hasDigits:
		return "*" + starDigits(what[at:])
	}
	return "*" + what[at:]
}

// starDigits stars the counts in a tail such as " has 3 decimals, decimal(12,2) allows 2"; empty when it is none.
func starDigits(tail string) string {
	for _, unit := range []string{" decimal", " digit"} {
		n, after, ok := strings.Cut(strings.TrimPrefix(tail, hasDigits), unit)
		if ok && (n == "far too many" || strings.Trim(n, "0123456789") == "") {
			return hasDigits + "*" + unit + "*" + strings.TrimPrefix(after, "s")
		}
	}
	return ""
}
