# `just` alone lists the recipes. None is needed: each is one or two commands that can be typed.

_list:
    @just --list --unsorted

# the full DAG on the embedded Kafka and Postgres, until Ctrl-C
run *args:
    go run ./dag run {{args}}

# the full DAG once, then exit
once:
    go run ./dag run --once

# only the services
up:
    go run ./dag up

# run, and open the page
demo:
    (sleep 12; xdg-open http://127.0.0.1:8501 || open http://127.0.0.1:8501) & go run ./dag run

# load the two dimension tables
seed:
    go run ./dag run seed.dims

# the binary, to bin/dag
build:
    go build -trimpath -o bin/dag ./dag

test:
    go test -race -shuffle=on ./...

# what talks to a broker, against a real Kafka; needs Java 17 and, the first time, Maven
test-kafka:
    go test -tags kafka -count=1 -run '^TestBroker/kafka' ./lib/kafkatest ./lib/kafkasrc ./jobs/stream

# leaders that move in a real Kafka of three nodes; about 1 GB of memory and some minutes
test-kafka-cluster:
    go test -tags kafka -count=1 -run '^TestCluster' -timeout 20m -v ./lib/kafkasrc ./jobs/stream

# only what needs no service
test-short:
    go test ./lib/strictyaml ./lib/event ./lib/window ./lib/rfm ./lib/kmeans ./lib/apriori ./lib/anomaly ./lib/chart ./lib/frame ./dag/spec ./dag/plan ./dag/gate ./dag/runner

# rewrite the golden files; review them as a diff
golden:
    go test ./dag ./dag/plan ./lib/chart ./lib/notebook -update

fuzz time="30s":
    go test -run '^$' -fuzz FuzzDecode -fuzztime {{time}} ./lib/strictyaml
    go test -run '^$' -fuzz Fuzz -fuzztime {{time}} ./lib/event
    go test -run '^$' -fuzz FuzzReader -fuzztime {{time}} ./lib/csvfile
    go test -run '^$' -fuzz FuzzSplit -fuzztime {{time}} ./jobs/sqljob

bench out="new.txt":
    go test -run '^$' -bench . -count 10 ./lib/... ./jobs/... | tee {{out}}

# the stream beside a bare COPY of the same rows, and its latency; other flags: `dag bench`
bench-stream *args:
    go run ./dag bench stream {{args}}

# two pipelines, a broker and a database, killed and frozen at random; the tables must come out exact
chaos time="10m" kills="200" seed="1":
    go test -tags chaos -run TestChaos -count=1 -timeout 60m -v ./dag -chaos {{time}} -kills {{kills}} -seed {{seed}}

# Postgres and the broker away for minutes, a disk that is full, kills every second, and the figures of restarts held to what
# is promised; Linux, and root for the disk
trouble outage="3m":
    go test -tags chaos -run 'StaysAway|RealDisk|RestartAfter|AnotherHost|KillsEvery' -count=1 -parallel 1 -timeout 60m -v ./jobs/stream -outage {{outage}} -strict

lint:
    gofmt -l . && go vet ./... && go run honnef.co/go/tools/cmd/staticcheck@v0.8.2 ./...

# everything that must hold before a change lands
ci:
    .ci/run
