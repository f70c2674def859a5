package kafkasrc

import (
	"context"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// FetchVersions are those this package can read.
const MinFetchVersion, MaxFetchVersion = minFetchVersion, maxFetchVersion

// fixedVersion is a fetch in one version, whatever kafka-go would choose.
type fixedVersion struct {
	*fetchRequest
	fixed int16
}

func (r *fixedVersion) Required(map[protocol.ApiKey]int16) bool { r.version = r.fixed; return true }

// FetchIn asks once for the start of a partition in one version of the request and gives the values.
func (f *Fetcher) FetchIn(ctx context.Context, version int16) (values []string, got Fetched, err error) {
	req := &fixedVersion{fixed: version, fetchRequest: &fetchRequest{fetcher: f, Request: fetch.Request{
		ReplicaID: -1, MaxWaitTime: 1000, MinBytes: 1, MaxBytes: fetchBytes, IsolationLevel: int8(kafka.ReadCommitted), SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: f.topic, Partitions: []fetch.RequestPartition{{
			Partition: int32(f.partition), CurrentLeaderEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: fetchBytes,
		}}}},
	}}}
	m, err := f.client.transport(f.topic).RoundTrip(ctx, kafka.TCP(f.client.brokers...), req)
	if err != nil {
		return nil, got, err
	}
	res := m.(*fetchResponse)
	a, err := decodeFetch(res.frame.b, res.version, 0)
	if err != nil {
		return nil, got, err
	}
	a.Next, err = f.walk.records(a.records, 0, a.aborted, func(m *Message) error {
		values = append(values, string(m.Value))
		return nil
	})
	return values, a.Fetched, err
}
