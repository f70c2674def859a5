// Package kafkasrc reads and writes Kafka topics at the speed of the wire, and is the only user of kafka-go.
//
// kafka-go gives what is hard to write: connections, TLS and SASL hooks, metadata, routing to partition leaders. What
// it gives on top is slow for us or wrong (its readers deliver aborted messages and control batches, its writer can
// store a batch twice), so this package sends its own fetch requests through kafka-go's Transport, walks the
// record batches in place, and produces with a producer id and sequence numbers.
//
// Offsets are the caller's: nothing here joins a consumer group. Every call retries what passes by itself (a
// broker that restarts, a leader that moves, a topic just created) until its context ends, and logs it once.
package kafkasrc
