package stream

import (
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"
)

// franz opens a client that is not ours.
func franz(t testing.TB, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

// admin changes topics as an operator's tools do.
type admin struct {
	t  testing.TB
	cl *kgo.Client
}

func newAdmin(t testing.TB, brokers []string) admin {
	return admin{t, franz(t, brokers, kgo.MaxVersions(kversion.V2_8_0()))}
}

func (a admin) delete(topic string) {
	a.t.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	rt := kmsg.NewDeleteTopicsRequestTopic()
	rt.Topic = &topic
	req.TopicNames, req.Topics = []string{topic}, append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		a.t.Fatalf("delete %s: %+v, %v", topic, res, err)
	}
}

// grow gives a topic more partitions.
func (a admin) grow(topic string, partitions int32) {
	a.t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, partitions
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || res.Topics[0].ErrorCode != 0 {
		a.t.Fatalf("grow %s: %+v, %v", topic, res, err)
	}
}

// trim deletes the messages of a partition before an offset, as retention does.
func (a admin) trim(topic string, partition int32, before int64) {
	a.t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = partition, before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || res.Topics[0].Partitions[0].ErrorCode != 0 {
		a.t.Fatalf("trim %s: %+v, %v", topic, res, err)
	}
}

// committed gives a group's offsets by partition, as lag tools ask for them; -1 or nothing for none.
func (a admin) committed(group, topic string, partitions ...int32) map[int]int64 {
	a.t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic, rt.Partitions = topic, partitions
	req.Group, req.Topics = group, append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if kerr.IsRetriable(err) || err == nil && res.ErrorCode == kerr.GroupIDNotFound.Code {
		return nil // nothing was committed yet: no coordinator, or no group
	}
	if err != nil || res.ErrorCode != 0 {
		a.t.Fatalf("fetch offsets of %s: %+v, %v", group, res, err)
	}
	got := map[int]int64{}
	for _, p := range res.Topics[0].Partitions {
		got[int(p.Partition)] = p.Offset
	}
	return got
}

// allow lets a topic take batches of so many bytes.
func (a admin) allow(topic string, bytes int) {
	a.t.Helper()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	res := kmsg.NewIncrementalAlterConfigsRequestResource()
	res.ResourceType, res.ResourceName = kmsg.ConfigResourceTypeTopic, topic
	c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	c.Name, c.Op, c.Value = "max.message.bytes", kmsg.IncrementalAlterConfigOpSet, kmsg.StringPtr(fmt.Sprint(bytes))
	res.Configs = append(res.Configs, c)
	req.Resources = append(req.Resources, res)
	got, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || got.Resources[0].ErrorCode != 0 {
		a.t.Fatalf("configure %s: %+v, %v", topic, got, err)
	}
}

// reset moves a group's offset of partition 0.
func (a admin) reset(group, topic string, offset int64) {
	a.t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions = append(rt.Partitions, rp)
	req.Group, req.Topics = group, append(req.Topics, rt)
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || res.Topics[0].Partitions[0].ErrorCode != 0 {
		a.t.Fatalf("reset %s: %+v, %v", group, res, err)
	}
}

// forget deletes a group.
func (a admin) forget(group string) {
	a.t.Helper()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = []string{group}
	res, err := req.RequestWith(a.t.Context(), a.cl)
	if err != nil || res.Groups[0].ErrorCode != 0 {
		a.t.Fatalf("delete group %s: %+v, %v", group, res, err)
	}
}
