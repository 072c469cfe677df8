# Holdfast
#
#   make            build/holdfast and build/libhashring.a
#   make lib        build/libholdfast-lease.a: roles with one holder, inside an application (include/holdfast/lease.h)
#   make demo       install what is missing, build, start sample servers and Holdfast before them
#   make demo-script  the same as a script that checks what it sees, and ends
#   make demo-cluster three nodes with a server beside each (demo-cluster-script: checked, and ends)
#   make test       install what is missing; all tests, then again under ASan+UBSan and TSan
#   make unit       unit tests only            make e2e     end-to-end tests only
#   make sim        the control plane under a seeded clock, network and faults: 10,000 seeds (SIM_SEEDS)
#   make model      check the model of the lease and its mutants
#   make ktls       TLS by the kernel, on a kernel that has it, in an emulator (two minutes)
#   make golden     compare the golden vectors with the second implementation
#   make bench      Holdfast, HAProxy and nginx on the same work, in one run
#   make lint       clang-format, clang-tidy, cppcheck, gcc -fanalyzer
#   make coverage   which lines the unit and end-to-end tests run: a table, build/coverage/index.html
#   make fuzz       fuzz the parsers            make format  run clang-format over the tree
#   make tls-scan   sslscan and testssl.sh against a TLS listener: some minutes; what they find is listed
#   make soak       ten minutes of load, dying members and reloads, all of it checked (SOAK_S=, SOAK_SEED=)
#   make chaos      five minutes of a cluster whose nodes, servers and links fail, all of it checked (CHAOS_S=, CHAOS_SEED=)
#   make san        unit and end-to-end tests under ASan+UBSan, what is threaded under TSan
#   make deps       install what `make` needs (deps-test, deps-bench, deps-lint: what those need)
#   make clean      remove build/
#
# Variables: B=build directory, SAN=sanitizers (address,undefined or thread), COV=1: for coverage, CC.

CC      ?= gcc
B       ?= build
SAN     ?=
COV     ?=
OBJCOPY ?= objcopy
LLHTTP  ?= /usr/share/llhttp
LLHTTP_INC ?= /usr/share/include/llhttp

WARN = -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
       -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Wundef -Wnull-dereference
CPPFLAGS += -D_GNU_SOURCE -Iinclude -Iproxy -isystem $(LLHTTP_INC)
# Sanitizer builds compile in half the time with -O1; what gcc then takes for unset or null, it does not
# with -O2, where everything is an error.
WARN     += $(if $(SAN),-Wno-maybe-uninitialized -Wno-nonnull)
CFLAGS   += -std=c17 $(if $(SAN),-O1,-O2) -g -fstack-protector-strong -fno-common
LDFLAGS  += -Wl,-z,relro,-z,now
LDLIBS   += -levent_core -levent_extra -levent_pthreads -lsodium -lconfig -ljansson -lpcre2-8 -lxxhash -lssl -lcrypto -lcares -lnghttp2 -lseccomp -lpthread -lm
ifneq ($(SAN),)
CFLAGS   += -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
LDFLAGS  += -fsanitize=$(SAN)
else ifneq ($(COV),)
CFLAGS   += -O1 --coverage -fprofile-update=atomic
LDFLAGS  += --coverage
else
CPPFLAGS += -D_FORTIFY_SOURCE=2
# Libraries are bound at the start (-z now): calls go there without a detour.
CFLAGS   += -fno-plt
# Rooms are inlined into each other in the binary alone; objects also hold usual code, for the others.
LTO       = -flto=auto -ffat-lto-objects
CFLAGS   += $(LTO)
NO_LTO    = -fno-lto
endif

# ---- sources, a room a list ---------------------------------------------------------------------

room     = $(sort $(wildcard proxy/$(1)/*.c))
HASHRING = $(sort $(wildcard hashring/*.c))
# what forbids system calls stands with the node: nothing else wants its library
FILTER   = proxy/base/filter.c
BASE     = $(filter-out $(FILTER), $(call room,base))
# of the http room, what knows addresses
FORWARDED = proxy/http/forwarded.c
HTTP     = $(filter-out $(FORWARDED), $(call room,http))
AFFINITY = $(call room,affinity)
MEMBERS  = $(call room,members)
ROUTE    = $(FORWARDED) $(call room,route)
RELAY    = $(call room,relay)
EDGE     = $(call room,edge)
RECORD   = $(call room,record)
CONFIG   = $(call room,config)
ADMIN    = $(call room,admin)
CLI      = $(call room,cli)
CLUSTER  = proxy/cluster/ask.c proxy/cluster/body.c proxy/cluster/datagram.c proxy/cluster/delays.c proxy/cluster/election.c \
           proxy/cluster/election_claim.c proxy/cluster/election_detect.c proxy/cluster/election_wire.c \
           proxy/cluster/machine.c proxy/cluster/plane.c
# what of the control plane touches sockets, files and configuration
CLUSTER_LIVE = proxy/cluster/cluster_ev.c proxy/cluster/disk_ev.c proxy/cluster/embedded_ev.c \
               proxy/cluster/etcd.c proxy/cluster/etcd_answer.c proxy/cluster/etcd_call.c proxy/cluster/etcd_ev.c proxy/cluster/question.c proxy/cluster/setup.c proxy/cluster/twin.c
NODE     = proxy/main.c $(FILTER) $(filter-out $(EPOCHS_LIVE), $(call room,node))

CLUSTER_LIVE += proxy/cluster/dns.c proxy/cluster/dns_ev.c proxy/cluster/hook.c

# the membership by epochs
EPOCHS   = proxy/cluster/epoch.c proxy/cluster/epoch_publish.c proxy/cluster/kept.c
EPOCHS_LIVE = proxy/cluster/fetch_ev.c proxy/node/epochs.c proxy/node/epochs_bell.c proxy/node/epochs_host.c \
              proxy/node/members.c

# where new sessions start
RACE     = proxy/cluster/place_wire.c proxy/cluster/race.c proxy/cluster/race_host.c proxy/cluster/race_rates.c \
           proxy/cluster/race_wire.c proxy/cluster/ticket.c

# leases, registers, roles
LEASE    = proxy/cluster/lease.c proxy/cluster/lease_acceptor.c proxy/cluster/lease_wire.c
REGISTER = proxy/cluster/document.c proxy/cluster/learn.c proxy/cluster/pull.c proxy/cluster/register.c \
           proxy/cluster/register_image.c proxy/cluster/register_wire.c proxy/cluster/voter.c
ENGINES  = proxy/cluster/embedded.c proxy/cluster/embedded_role.c proxy/cluster/engine.c
DISK     = proxy/cluster/disk.c proxy/cluster/disk_block.c proxy/cluster/disk_file.c proxy/cluster/disk_join.c \
           proxy/cluster/disk_role.c proxy/cluster/disk_round.c proxy/cluster/disk_value.c proxy/cluster/disk_view.c
ROLES    = $(LEASE) $(REGISTER) $(ENGINES) proxy/cluster/register_file.c \
           proxy/cluster/register_writer.c proxy/cluster/roles.c

# roles inside an application: include/holdfast/lease.h; nothing of libevent
LIBRARY  = proxy/base/addr.c proxy/base/clock.c proxy/base/digest.c proxy/base/result.c proxy/base/text.c \
           proxy/cluster/body.c proxy/cluster/datagram.c proxy/cluster/library.c proxy/cluster/library_loop.c proxy/cluster/machine.c \
           proxy/cluster/twin.c $(ROLES)

PROXY    = $(BASE) $(HTTP) $(AFFINITY) $(MEMBERS) $(ROUTE) $(RELAY) $(EDGE) $(RECORD) $(CONFIG) $(CLUSTER) \
           $(CLUSTER_LIVE) $(RACE) $(ROLES) $(DISK) $(EPOCHS) $(EPOCHS_LIVE) $(ADMIN) $(CLI) $(NODE)

# The edge: TLS, and what comes ahead of a request.
TLS      = $(call room,tls)
PROXY   += $(TLS)

LLHTTP_SRC = $(LLHTTP)/api.c $(LLHTTP)/http.c $(LLHTTP)/llhttp.c
LLHTTP_OBJ = $(B)/llhttp/api.o $(B)/llhttp/http.o $(B)/llhttp/llhttp.o

# ---- unit tests: tests/<name>.c links with the files named in LINK_<name>, and nothing else ------

# hashring
HASHRING_TESTS = hashring/test_cost hashring/test_golden hashring/test_near hashring/test_order \
                 hashring/test_properties hashring/test_ring
UNIT += $(HASHRING_TESTS)
$(foreach t,$(HASHRING_TESTS),$(eval LINK_$(t) = $$(HASHRING)))
UNIT += hashring/test_memory
LINK_hashring/test_memory = $(filter-out hashring/ring.c,$(HASHRING))
# base
UNIT += base/test_addr base/test_buf base/test_digest base/test_grow base/test_text base/test_wheel
LINK_base/test_grow = proxy/base/grow.c proxy/base/result.c proxy/base/text.c
LINK_base/test_addr = proxy/base/addr.c proxy/base/result.c proxy/base/text.c
LINK_base/test_buf = proxy/base/buf.c
LINK_base/test_digest = proxy/base/digest.c proxy/base/result.c proxy/base/text.c
LINK_base/test_text = proxy/base/result.c proxy/base/text.c
LINK_base/test_wheel = proxy/base/wheel.c
UNIT += base/test_proxy_out
LINK_base/test_proxy_out = proxy/base/addr.c proxy/base/proxy_out.c proxy/base/result.c proxy/base/text.c \
                           proxy/edge/proxy_header.c
UNIT += base/test_mailbox base/test_network base/test_starter
LINK_base/test_mailbox = proxy/base/mailbox.c
LINK_base/test_starter = proxy/base/clock.c proxy/base/result.c proxy/base/starter.c proxy/base/starter_child.c proxy/base/text.c
LINK_base/test_network = proxy/base/addr.c proxy/base/network.c proxy/base/result.c proxy/base/text.c
# tls
UNIT += tls/test_certificate tls/test_channel tls/test_client tls/test_context tls/test_ticket
LINK_tls/test_certificate = $(TLS) proxy/base/addr.c proxy/base/result.c proxy/base/text.c
LINK_tls/test_context = $(LINK_tls/test_certificate)
LINK_tls/test_client = $(TLS) proxy/base/addr.c proxy/base/result.c proxy/base/text.c
LINK_tls/test_ticket = proxy/tls/ticket.c
LINK_tls/test_channel = $(TLS) proxy/base/addr.c proxy/base/result.c proxy/base/text.c
# names
UNIT += members/test_names
UNIT += members/test_srv
LINK_members/test_srv = proxy/base/addr.c proxy/base/result.c proxy/base/text.c proxy/members/srv.c
LINK_members/test_names = proxy/base/addr.c proxy/base/network.c proxy/base/result.c proxy/base/text.c \
                          proxy/config/rows.c proxy/members/names.c
# http
HTTP_TESTS = http/test_cache http/test_chunk http/test_forward http/test_h2_fields http/test_h2_request \
             http/test_request http/test_response \
             http/test_websocket
UNIT += $(HTTP_TESTS)
$(foreach t,$(HTTP_TESTS),$(eval LINK_$(t) = $$(HTTP) proxy/base/result.c proxy/base/text.c \
                                                  proxy/base/vocab.c))
UNIT += http/test_forwarded
LINK_http/test_forwarded = $(HTTP) $(FORWARDED) proxy/base/addr.c proxy/base/network.c \
                           proxy/base/result.c proxy/base/text.c proxy/base/vocab.c
# affinity
UNIT += affinity/test_cookie affinity/test_credentials affinity/test_hop affinity/test_idle \
        affinity/test_json affinity/test_keyrule affinity/test_session \
        affinity/test_session_suffix affinity/test_suffix affinity/test_tag
LINK_affinity/test_cookie = proxy/affinity/cookie.c proxy/base/result.c proxy/base/text.c
LINK_affinity/test_credentials = proxy/affinity/credentials.c proxy/affinity/json.c \
                                 proxy/base/result.c proxy/base/text.c
LINK_affinity/test_json = proxy/affinity/json.c proxy/base/result.c proxy/base/text.c
LINK_affinity/test_keyrule = proxy/affinity/cookie.c proxy/affinity/credentials.c \
                             proxy/affinity/json.c proxy/affinity/keyrule.c proxy/base/addr.c \
                             proxy/base/result.c proxy/base/text.c
LINK_affinity/test_hop = proxy/affinity/hop.c proxy/base/addr.c proxy/base/digest.c \
                         proxy/base/result.c proxy/base/text.c
LINK_affinity/test_session = $(AFFINITY) proxy/base/addr.c proxy/base/digest.c \
                             proxy/base/result.c proxy/base/text.c
LINK_affinity/test_session_suffix = $(LINK_affinity/test_session)
LINK_affinity/test_suffix = proxy/affinity/cookie.c proxy/affinity/suffix.c proxy/base/result.c \
                            proxy/base/text.c
LINK_affinity/test_tag = proxy/affinity/tag.c proxy/base/digest.c proxy/base/result.c \
                         proxy/base/text.c
# members
VIEW_LINK = $(HASHRING) proxy/affinity/tag.c proxy/base/addr.c proxy/base/digest.c \
            proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/members/latency.c proxy/members/member.c \
            proxy/members/membership.c proxy/members/places.c proxy/members/view.c \
            proxy/members/weight.c $(TLS)
POOL_LINK = proxy/members/history.c proxy/members/pool.c proxy/members/pool_read.c \
            proxy/members/verdict.c
UNIT += members/test_history members/test_latency members/test_places members/test_pool members/test_probe \
        members/test_probe_ev members/test_probe_h2 members/test_verdict members/test_view members/test_weight
LINK_members/test_history = proxy/members/history.c
LINK_members/test_latency = proxy/members/latency.c
LINK_members/test_places = proxy/members/places.c
LINK_members/test_pool = $(VIEW_LINK) $(POOL_LINK)
LINK_members/test_probe = $(sort $(HTTP) $(LINK_affinity/test_hop) proxy/base/vocab.c \
                          proxy/members/probe.c proxy/members/weight.c)
LINK_members/test_probe_ev = $(VIEW_LINK) $(HTTP) proxy/affinity/hop.c proxy/base/clock.c \
                             proxy/base/log.c proxy/base/proxy_out.c proxy/members/probe.c \
                             proxy/members/check_end_ev.c proxy/members/check_ev.c proxy/members/probe_ev.c proxy/members/probe_h2.c $(POOL_LINK)
LINK_members/test_probe_h2 = $(HTTP) proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
                             proxy/members/probe_h2.c
LINK_members/test_verdict = proxy/members/verdict.c
LINK_members/test_view = $(VIEW_LINK)
LINK_members/test_weight = proxy/base/result.c proxy/base/text.c proxy/members/weight.c
# route
UNIT += route/test_assign route/test_match route/test_plan
LINK_route/test_assign = $(VIEW_LINK) proxy/route/assign.c
LINK_route/test_match = proxy/base/result.c proxy/base/text.c proxy/route/match.c
LINK_route/test_plan = $(VIEW_LINK) proxy/route/plan.c
# relay, edge: a whole worker in a network in memory (tests/gate), with allocations that fail
GATE      = tests/gate/alloc.c tests/gate/gate.c tests/gate/gate_client.c tests/gate/gate_script.c \
           tests/gate/gate_server.c tests/gate/h2_peer.c tests/gate/net.c tests/gate/wire.c
GATE_LINK = $(GATE) $(RACE) $(HASHRING) $(BASE) $(HTTP) $(AFFINITY) $(CONFIG) $(ROUTE) \
           $(filter-out %_ev.c proxy/members/probe.c proxy/members/probe_h2.c,$(MEMBERS)) $(filter-out %_ev.c,$(RELAY)) \
           $(filter-out %_ev.c proxy/edge/arrival.c proxy/edge/listener.c,$(EDGE)) $(TLS) $(filter-out %/exporter.c %/sink.c,$(RECORD))
comma    = ,
wrap     = $(foreach f,$(1),-Wl$(comma)--wrap=$(f))
WRAP_ALLOC = $(call wrap,malloc calloc realloc strdup strndup)
WRAP_GATE   = $(WRAP_ALLOC) $(call wrap,socket connect close setsockopt getsockopt \
             pipe2 fcntl getifaddrs splice clock_ms clock_us clock_wall_ms)
UNIT += relay/test_body_queue relay/test_budget relay/test_exchange relay/test_h2_link relay/test_splits
$(B)/tests/relay/test_exchange $(B)/tests/relay/test_h2_link $(B)/tests/relay/test_splits: LDFLAGS += $(WRAP_GATE)
LINK_relay/test_exchange = $(GATE_LINK)
LINK_relay/test_h2_link = $(GATE_LINK)
LINK_relay/test_splits = $(GATE_LINK)
LINK_relay/test_body_queue = proxy/relay/body_queue.c proxy/base/buf.c
# edge
UNIT += edge/test_addresses relay/test_h2_budget edge/test_h2_head edge/test_pace edge/test_proxy_header
LINK_relay/test_h2_budget = proxy/relay/h2_budget.c proxy/relay/h2_frames.c
LINK_edge/test_h2_head = $(LINK_http/test_request) proxy/edge/h2_head.c
LINK_edge/test_proxy_header = proxy/base/addr.c proxy/base/result.c proxy/base/text.c \
                              proxy/edge/proxy_header.c
LINK_edge/test_addresses = proxy/base/addr.c proxy/base/digest.c proxy/base/result.c \
                           proxy/base/text.c proxy/edge/addresses.c
LINK_edge/test_pace = proxy/edge/pace.c
# record
UNIT += http/test_traceparent record/test_span
LINK_http/test_traceparent = proxy/base/result.c proxy/base/text.c proxy/http/traceparent.c
LINK_record/test_span = proxy/base/grow.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/record/span.c
SINK_LINK = proxy/base/addr.c proxy/base/clock.c proxy/base/destination.c proxy/base/result.c proxy/base/text.c \
            proxy/base/vocab.c proxy/record/log_line.c proxy/record/outlet.c proxy/record/sink.c
UNIT += record/test_log_line record/test_outlet
LINK_record/test_log_line = proxy/base/clock.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/record/log_line.c
LINK_record/test_outlet = $(filter-out proxy/record/sink.c,$(SINK_LINK))
UNIT += base/test_destination
LINK_base/test_destination = proxy/base/addr.c proxy/base/destination.c proxy/base/result.c proxy/base/text.c
UNIT += record/test_access record/test_failover record/test_failover_line record/test_limiter \
        record/test_outage record/test_sink record/test_tally
LINK_record/test_access = $(SINK_LINK) proxy/base/log.c proxy/record/access.c $(HASHRING)
LINK_record/test_failover = $(filter-out proxy/record/access.c proxy/record/exporter.c proxy/record/span.c proxy/record/tally.c,$(RECORD)) proxy/base/addr.c proxy/base/clock.c proxy/base/destination.c \
                            proxy/base/log.c proxy/base/result.c proxy/base/text.c \
                            proxy/base/vocab.c
LINK_record/test_failover_line = proxy/base/clock.c proxy/base/result.c proxy/base/text.c \
                                 proxy/base/vocab.c proxy/record/failover_line.c \
                                 proxy/record/moved.c proxy/record/outage.c
LINK_record/test_limiter = proxy/base/text.c proxy/base/result.c proxy/base/vocab.c \
                           proxy/record/limiter.c
LINK_record/test_outage = proxy/record/moved.c proxy/record/outage.c
LINK_record/test_sink = $(SINK_LINK)
LINK_record/test_tally = proxy/base/result.c proxy/base/text.c proxy/members/latency.c proxy/record/tally.c
# config
CONFIG_TESTS = config/test_load config/test_memory config/test_roster config/test_rows config/test_secrets
CONFIG_LINK = $(CONFIG) $(AFFINITY) $(TLS) proxy/base/room.c proxy/base/destination.c proxy/base/endpoint.c proxy/base/handed.c proxy/base/local_socket.c proxy/base/addr.c proxy/base/clock.c proxy/base/network.c proxy/base/digest.c proxy/base/grow.c \
              proxy/base/result.c proxy/base/text.c
UNIT += config/test_findings $(CONFIG_TESTS)
LINK_config/test_findings = proxy/base/addr.c proxy/base/result.c proxy/base/text.c proxy/config/findings.c
$(foreach t,$(CONFIG_TESTS),$(eval LINK_$(t) = $$(CONFIG_LINK)))
$(B)/tests/config/test_memory: LDFLAGS += -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup
# cluster
CLUSTER_LINK = proxy/base/result.c proxy/cluster/body.c proxy/cluster/machine.c
UNIT += cluster/test_ask cluster/test_body cluster/test_datagram cluster/test_delays cluster/test_election \
        cluster/test_election_cures cluster/test_machine
ELECTION = proxy/cluster/delays.c proxy/cluster/election.c proxy/cluster/election_claim.c \
           proxy/cluster/election_detect.c proxy/cluster/election_wire.c
LINK_cluster/test_ask = $(CLUSTER_LINK) $(ELECTION) proxy/cluster/ask.c
LINK_cluster/test_election = $(CLUSTER_LINK) $(ELECTION)
LINK_cluster/test_election_cures = $(CLUSTER_LINK) $(ELECTION)
LINK_cluster/test_body = $(CLUSTER_LINK)
LINK_cluster/test_datagram = $(CLUSTER_LINK) proxy/base/digest.c proxy/base/text.c \
                             proxy/cluster/datagram.c
UNIT += cluster/test_plane cluster/test_question cluster/test_setup cluster/test_twin
PLANE_LINK = $(CLUSTER) proxy/base/digest.c proxy/base/result.c proxy/base/text.c proxy/cluster/document.c \
             proxy/cluster/engine.c
LINK_cluster/test_plane = $(PLANE_LINK)
LINK_cluster/test_question = $(PLANE_LINK) proxy/base/addr.c proxy/base/grow.c proxy/cluster/question.c
LINK_cluster/test_setup = proxy/base/result.c proxy/base/text.c proxy/cluster/machine.c proxy/cluster/setup.c
LINK_cluster/test_twin = $(LINK_cluster/test_datagram) proxy/cluster/twin.c
LINK_cluster/test_delays = $(CLUSTER_LINK) proxy/cluster/delays.c
UNIT += cluster/test_dns
LINK_cluster/test_dns = proxy/base/addr.c proxy/base/result.c proxy/base/text.c proxy/cluster/dns.c
LINK_cluster/test_machine = $(CLUSTER_LINK)

# races
RACE_LINK = proxy/base/addr.c proxy/base/digest.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
            proxy/cluster/race.c proxy/cluster/race_host.c proxy/cluster/race_rates.c \
            proxy/cluster/race_wire.c proxy/cluster/ticket.c
UNIT += cluster/test_race cluster/test_race_host cluster/test_ticket
LINK_cluster/test_race = $(RACE_LINK)
LINK_cluster/test_race_host = $(RACE_LINK)
LINK_cluster/test_ticket = $(RACE_LINK)

# epochs
UNIT += admin/test_membership cluster/test_epoch cluster/test_kept
LINK_admin/test_membership = $(ADMIN_LINK) proxy/admin/membership.c proxy/admin/routes.c
LINK_cluster/test_kept = proxy/base/result.c proxy/base/text.c proxy/cluster/document.c proxy/cluster/kept.c
LINK_cluster/test_epoch = $(CLUSTER_LINK) proxy/cluster/document.c proxy/cluster/epoch.c \
                          proxy/cluster/epoch_publish.c

# leases, registers, roles
UNIT += relay/test_fence
LINK_relay/test_fence = $(HTTP) proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
                        proxy/relay/fence.c
UNIT += cluster/test_embedded cluster/test_pull
LINK_cluster/test_pull = $(CLUSTER_LINK) $(REGISTER)
UNIT += cluster/test_disk
LINK_cluster/test_disk = $(CLUSTER_LINK) $(DISK) proxy/base/text.c proxy/cluster/document.c proxy/cluster/engine.c \
                         $(LEASE) proxy/cluster/register_image.c
LINK_cluster/test_embedded = $(CLUSTER_LINK) $(LEASE) $(REGISTER) $(ENGINES)
UNIT += cluster/test_learn cluster/test_lease cluster/test_register cluster/test_register_file cluster/test_roles cluster/test_voter
LINK_cluster/test_roles = $(CLUSTER_LINK) proxy/cluster/roles.c
LINK_cluster/test_learn = $(CLUSTER_LINK) $(REGISTER)
LINK_cluster/test_lease = $(CLUSTER_LINK) $(LEASE)
LINK_cluster/test_register_file = $(CLUSTER_LINK) $(REGISTER) proxy/cluster/register_file.c
LINK_cluster/test_register = $(CLUSTER_LINK) $(LEASE) $(REGISTER)
LINK_cluster/test_voter = $(CLUSTER_LINK) $(REGISTER)

# the running node
UNIT += node/test_upgrade_state
LINK_node/test_upgrade_state = proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/node/upgrade_state.c

# admin
ADMIN_LINK = $(HTTP) proxy/base/addr.c proxy/base/clock.c proxy/base/digest.c proxy/base/grow.c \
             proxy/base/log.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c
UNIT += admin/test_answers admin/test_events admin/test_guard admin/test_renderings \
        admin/test_routes
LINK_admin/test_answers = $(ADMIN_LINK) proxy/admin/answers.c proxy/admin/answers_roles.c proxy/admin/guard.c proxy/admin/membership.c \
                          proxy/admin/metrics.c proxy/admin/page.c proxy/admin/page_assets.c proxy/admin/routes.c \
                          proxy/admin/status.c proxy/admin/json_put.c proxy/admin/status_cluster.c proxy/admin/status_json.c proxy/admin/status_latency.c proxy/members/latency.c proxy/record/tally.c
LINK_admin/test_events = proxy/admin/events.c proxy/base/result.c proxy/base/text.c
LINK_admin/test_guard = $(ADMIN_LINK) proxy/admin/guard.c
LINK_admin/test_renderings = proxy/admin/json_put.c proxy/admin/metrics.c proxy/admin/page.c proxy/admin/page_assets.c proxy/admin/status.c \
                             proxy/admin/status_cluster.c proxy/admin/status_json.c proxy/base/clock.c proxy/base/grow.c \
                             proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
                             proxy/admin/status_latency.c proxy/members/latency.c proxy/record/tally.c
LINK_admin/test_routes = $(HTTP) proxy/admin/routes.c proxy/base/result.c proxy/base/text.c \
                         proxy/base/vocab.c
# cli
UNIT += cli/test_verify
LINK_cli/test_verify = proxy/cli/verify_compare.c
UNIT += cli/test_change cli/test_expected cli/test_explain cli/test_key_lines cli/test_moves \
        cli/test_options cli/test_replay cli/test_tail cli/test_tail_file cli/test_tail_line
LINK_cli/test_change = proxy/base/destination.c proxy/base/endpoint.c proxy/base/addr.c proxy/base/result.c proxy/base/text.c proxy/cli/change.c \
                       proxy/base/network.c proxy/config/rows.c proxy/config/values.c
LINK_cli/test_expected = proxy/base/result.c proxy/cli/expected.c
LINK_cli/test_key_lines = proxy/base/result.c proxy/base/text.c proxy/cli/key_lines.c
LINK_cli/test_moves = proxy/base/result.c proxy/cli/moves.c
LINK_cli/test_explain = $(sort $(CONFIG_LINK) $(VIEW_LINK)) proxy/cli/explain.c \
                        proxy/cli/explain_answer.c proxy/cli/key_lines.c proxy/cli/options.c \
                        proxy/cli/service.c proxy/admin/explain_json.c proxy/base/grow.c \
                        proxy/route/assign.c proxy/route/explain.c proxy/route/plan.c
UNIT += cli/test_exposition cli/test_top
LINK_cli/test_exposition = proxy/base/result.c proxy/base/text.c proxy/cli/exposition.c
LINK_cli/test_top = proxy/base/grow.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/cli/exposition.c \
                    proxy/cli/json_texts.c proxy/cli/member_text.c proxy/cli/table.c proxy/cli/top_cells.c \
                    proxy/cli/top_draw.c proxy/cli/top_model.c proxy/cli/top_terminal.c
LINK_cli/test_options = proxy/base/result.c proxy/base/text.c proxy/cli/options.c
LINK_cli/test_tail = $(CONFIG_LINK) proxy/base/clock.c proxy/base/vocab.c proxy/cli/options.c \
                     proxy/cli/log_line.c proxy/cli/table.c proxy/cli/tail.c proxy/cli/tail_file.c proxy/cli/tail_line.c \
                     proxy/cli/tail_summary.c
LINK_cli/test_tail_file = proxy/base/result.c proxy/base/text.c proxy/cli/tail_file.c
LINK_cli/test_replay = proxy/base/result.c proxy/base/text.c proxy/base/vocab.c proxy/cli/log_line.c \
                       proxy/cli/replay_check.c
LINK_cli/test_tail_line = proxy/base/clock.c proxy/cli/log_line.c proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
                          proxy/cli/tail_line.c

# ---- simulator: tests/sim/<name>.c; scenarios stand in tests/sim/scenarios.h as well --------------

SIM_PARTS     = tests/sim/chaos.c tests/sim/jobs.c tests/sim/main.c tests/sim/net.c tests/sim/sim.c tests/sim/trace.c
SIM_SCENARIOS = tests/sim/ask.c tests/sim/echo.c tests/sim/elect.c tests/sim/election_calm.c \
                tests/sim/election_chaos.c tests/sim/election_contest.c tests/sim/election_cut.c \
                tests/sim/election_lease.c
SIM_SCENARIOS += tests/sim/engines.c tests/sim/lease_calm.c tests/sim/lease_chaos.c \
                 tests/sim/lease_clocks.c tests/sim/lease_full.c tests/sim/lease_lost.c tests/sim/lease_readmit.c tests/sim/lease_slow.c \
                 tests/sim/registers.c
SIM_SCENARIOS += tests/sim/epochs_lease.c
SIM_SCENARIOS += tests/sim/disk_chaos.c tests/sim/disk_duel.c tests/sim/disks.c
SIM_SCENARIOS += tests/sim/mesh.c tests/sim/mesh_epochs.c
SIM_SCENARIOS += tests/sim/race_chaos.c tests/sim/race_load.c tests/sim/racing.c
# The same object files as in the binary.
SIM_LINK      = $(CLUSTER) $(LEASE) $(REGISTER) $(ENGINES) $(DISK) $(RACE) proxy/cluster/epoch.c \
                proxy/cluster/epoch_publish.c $(sort $(VIEW_LINK) $(POOL_LINK) $(LINK_affinity/test_hop)) \
                proxy/route/assign.c proxy/route/onward.c proxy/route/plan.c
SIM_SEEDS    ?= 10000
# A mutant stops at the first seed that shows it.
MUTANT_SEEDS ?= 5000
# Mutants (include/mutant.h): name, the one file that is built with it (of proxy/cluster, or of another
# room of proxy/), the scenario that must fail.
MUTANTS = NO_REPLAY_CHECK:datagram:echo NO_MAC:datagram:echo NO_SUSPECT:election_detect:election_calm \
          NO_SILENCE:election_claim:election_contest NO_TIE_BREAK:election_claim:election_contest \
          NO_TERM:election_claim:election_chaos
MUTANTS += NO_RESTART_SILENCE:lease_acceptor:lease_chaos OWNER_OF_ANY_RUN:lease_acceptor:lease_chaos \
           SHORT_LOCK:lease_acceptor:lease_chaos NO_SYNC:voter:lease_chaos \
           VOTES_EMPTY:voter:lease_lost LEARNS_AT_ONCE:learn:lease_readmit \
           LEARNS_OF_ONE:learn:lease_readmit NO_WRITE_BACK:register:lease_chaos \
           TIME_STANDS:embedded:lease_slow
MUTANTS += NO_STANDSTILL:disk_round:disk_chaos NO_SECOND_LOOK:disk_round:disk_duel \
           OWN_RUNS_ALIKE:disk_round:disk_chaos \
           NO_COPY:disk_value:disk_chaos NO_SUM:disk_block:disk_chaos
MUTANTS += TRUSTS_SENDER:route/onward:mesh_epochs FORGETS_WAY:route/onward:mesh_epochs \
           DECIDES_BEHIND:route/onward:mesh_epochs
MUTANTS += NO_COMPARE:epoch_publish:epochs_lease NO_READ:epoch_publish:epochs_lease

# ---- rules --------------------------------------------------------------------------------------

objects = $(patsubst %.c,$(B)/%.o,$(1))

.PHONY: all clean golden mutants sim unit
all: $(B)/holdfast $(B)/libhashring.a

# What every request passes. Much of it is called from one or two places: more is inlined than usual.
HOT = $(if $(COV)$(SAN),,-O3 --param max-inline-insns-auto=100 --param large-function-insns=20000 \
        --param large-stack-frame=4000 --param large-stack-frame-growth=20000)
$(call objects,$(HASHRING) $(BASE) $(HTTP) $(AFFINITY) $(ROUTE) $(RELAY) $(EDGE)): CFLAGS += $(HOT)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -MMD -MP -c $< -o $@

# Files within it: names that only an assembler knows are not for the link-time optimiser.
$(B)/proxy/admin/page_assets.o: CFLAGS += $(NO_LTO)
$(B)/proxy/admin/page_assets.o: proxy/admin/assets/page.css proxy/admin/assets/page.js

# Someone else's code: their warnings are not ours to fix.
$(B)/llhttp/%.o: $(LLHTTP)/%.c
	@mkdir -p $(@D)
	$(CC) -I$(LLHTTP_INC) -O3 -g -w $(LTO) $(if $(SAN),-fsanitize=$(SAN)) -c $< -o $@

$(B)/libhashring.a: $(call objects,$(HASHRING))
	@mkdir -p $(@D)
	$(AR) rcs $@ $^

# Of the library one object, in which no name but those of its header is to be seen.
.PHONY: lib library-bin
lib: $(B)/libholdfast-lease.a
$(B)/library/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) $(CFLAGS) -fno-lto -fPIC -MMD -MP -c $< -o $@
$(B)/library/holdfast-lease.o: $(patsubst %.c,$(B)/library/%.o,$(LIBRARY))
	$(LD) -r -o $@.all $^
	$(OBJCOPY) --wildcard --keep-global-symbol='holdfast_lease_*' $@.all $@
	@rm $@.all
$(B)/libholdfast-lease.a: $(B)/library/holdfast-lease.o
	@rm -f $@
	$(AR) rcs $@ $^
# Its example, as any application would be built.
library-bin: $(B)/tests/library/leader
$(B)/tests/library/leader: tests/library/leader.c include/holdfast/lease.h $(B)/libholdfast-lease.a
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -O2 $(if $(SAN),-fsanitize=$(SAN)) -Iinclude -o $@ $< $(B)/libholdfast-lease.a $(if $(COV),--coverage) -lsodium -lxxhash -lpthread

$(B)/holdfast: $(call objects,$(PROXY)) $(LLHTTP_OBJ) $(B)/libhashring.a
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

define unit_test
$(B)/tests/$(1): $(B)/tests/$(1).o $$(call objects,$$(LINK_$(1))) $$(if $$(findstring proxy/http/parse.c,$$(LINK_$(1))),$$(LLHTTP_OBJ))
	$$(CC) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $$^ -lcmocka $$(LDLIBS)
endef
$(foreach t,$(UNIT),$(eval $(call unit_test,$(t))))

unit: $(addprefix $(B)/tests/,$(UNIT))
	@set -e; for t in $(UNIT); do echo "== $$t"; $(B)/tests/$$t; done

sim: $(B)/tests/sim/sim mutants
	@$(B)/tests/sim/sim --seeds $(SIM_SEEDS)

$(B)/tests/sim/sim: $(call objects,$(SIM_PARTS) $(SIM_SCENARIOS) $(SIM_LINK))
	$(CC) $(CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)

mutant_word = $(word $(2),$(subst :, ,$(1)))
mutant_file = proxy/$(if $(findstring /,$(1)),$(1),cluster/$(1))
define mutant
$(B)/tests/sim/mutant/$(1).o: $(call mutant_file,$(2)).c
	@mkdir -p $$(@D)
	$$(CC) $$(CPPFLAGS) $$(WARN) $$(CFLAGS) -DMUTANT=MUTANT_$(1) -MMD -MP -c $$< -o $$@
$(B)/tests/sim/mutant/$(1): $(B)/tests/sim/mutant/$(1).o $$(filter-out %/$(call mutant_file,$(2)).o,$$(call objects,$(SIM_PARTS) $(SIM_SCENARIOS) $(SIM_LINK)))
	$$(CC) $$(CFLAGS) $$(NO_LTO) $$(LDFLAGS) -o $$@ $$^ $$(LDLIBS)
endef
$(foreach m,$(MUTANTS),$(eval $(call mutant,$(call mutant_word,$(m),1),$(call mutant_word,$(m),2))))
mutants: $(foreach m,$(MUTANTS),$(B)/tests/sim/mutant/$(call mutant_word,$(m),1))
	@set -e; $(foreach m,$(MUTANTS),echo "mutant $(call mutant_word,$(m),1):"; \
		$(B)/tests/sim/mutant/$(call mutant_word,$(m),1) --mutant --seeds $(MUTANT_SEEDS) \
		--scenario $(call mutant_word,$(m),3);)

# ---- what is installed --------------------------------------------------------------------------

# Manual pages and completions, written from the tables by a program of the build.
PAGES_SRC = $(addprefix packaging/pages/,complete_bash.c complete_fish.c complete_zsh.c main.c page_command.c \
            page_config.c page_logs.c roff.c words.c) proxy/base/result.c proxy/base/text.c proxy/base/vocab.c \
            proxy/config/rows.c
PAGES = $(addprefix $(B)/pages/,holdfast.1 holdfast.conf.5 holdfast-logs.5 holdfast.bash _holdfast holdfast.fish)
$(B)/packaging/pages/pages: $(call objects,$(PAGES_SRC))
	$(CC) $(CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(PAGES): $(B)/packaging/pages/pages
	@mkdir -p $(@D)
	@$< $(@F) > $@.new && mv $@.new $@
.PHONY: deb deps-package install pages
pages: $(PAGES)

# DESTDIR, PREFIX (/usr/local), LIBDIR (PREFIX/lib), SYSCONFDIR (/etc): packaging/install.sh says the rest.
export DESTDIR PREFIX LIBDIR SYSCONFDIR STATEDIR LOGDIR
install: all lib pages
	@packaging/install.sh $(B)

deb: deps-package
	@packaging/deb.sh $(B)

golden:
	python3 tests/hashring/naive.py xxh3
	python3 tests/hashring/naive.py spec hashring/SPEC.md
	python3 tests/hashring/naive.py check tests/golden/order-v1.txt

clean:
	rm -rf build

# ---- tests, measurements, checks ----------------------------------------------------------------

# Fuzz targets: tests/fuzz/fuzz_<name>.c links with the files named in FUZZ_<name>.
FUZZ = admin chunk config cookie datagram disk dns election escape etcd exchange forwarded h2 h2_member hop json keyrule plane proxy race \
       request response roster srv tag
FUZZ_admin = $(LINK_admin/test_answers)
FUZZ_chunk = $(LINK_http/test_chunk)
FUZZ_config = $(CONFIG_LINK)
FUZZ_cookie = $(LINK_affinity/test_session)
FUZZ_datagram = $(LINK_cluster/test_datagram)
FUZZ_disk = $(LINK_cluster/test_disk)
FUZZ_dns = $(LINK_cluster/test_dns)
FUZZ_election = $(LINK_cluster/test_election)
FUZZ_escape = proxy/base/addr.c proxy/base/clock.c proxy/base/result.c proxy/base/text.c \
              proxy/base/vocab.c proxy/cli/log_line.c proxy/cli/tail_line.c proxy/record/access.c \
              proxy/record/failover_line.c proxy/record/moved.c proxy/record/outage.c $(HASHRING)
FUZZ_etcd = $(CLUSTER_LINK) $(LEASE) $(REGISTER) $(ENGINES) proxy/cluster/etcd.c proxy/cluster/etcd_answer.c proxy/cluster/etcd_call.c
FUZZ_exchange = $(GATE_LINK)
FUZZ_h2 = $(GATE_LINK)
FUZZ_h2_member = $(GATE_LINK)
FUZZ_forwarded = $(LINK_http/test_forwarded)
FUZZ_hop = $(LINK_affinity/test_hop)
FUZZ_json = $(LINK_affinity/test_json)
FUZZ_keyrule = $(LINK_affinity/test_session)
FUZZ_plane = $(CLUSTER) $(LEASE) $(REGISTER) $(ENGINES) proxy/cluster/epoch.c proxy/cluster/epoch_publish.c \
             proxy/base/digest.c proxy/base/result.c proxy/base/text.c
FUZZ_race = $(RACE_LINK)
FUZZ_proxy = $(LINK_edge/test_proxy_header)
FUZZ_request = $(LINK_http/test_request)
FUZZ_response = $(LINK_http/test_response)
FUZZ_roster = $(CONFIG_LINK)
FUZZ_srv = $(LINK_members/test_srv)
FUZZ_tag = $(LINK_affinity/test_session)
FUZZ_SECONDS ?= 60
BENCH_ARGS ?=
BENCH_BIN = $(addprefix $(B)/tests/bench/,floor load origin)
LINK_choose = $(sort $(LINK_route/test_assign) $(LINK_route/test_plan))

.PHONY: bench bench-bin chaos coverage demo demo-script deps deps-bench deps-lint deps-test e2e faults-bin format fuzz \
        fuzz-names ktls lint san soak test unit-bin unit-names wire

deps:
	@tests/lib/deps.sh build
deps-test:
	@tests/lib/deps.sh test
deps-bench:
	@tests/lib/deps.sh bench
deps-model:
	@tests/lib/deps.sh model
deps-lint:
	@tests/lib/deps.sh lint
deps-package:
	@tests/lib/deps.sh package

test: deps-test
	@python3 tests/lib/run_all.py

# The unit tests and the end-to-end tests under ASan and UBSan, what is threaded under TSan.
san: deps-test
	@python3 tests/lib/run_all.py asan 'asan e2e' tsan

# Servers, clients and Holdfast on 127.0.0.0/8: by a driver of our own, and by varnishtest.
e2e: $(B)/holdfast faults-bin library-bin
	@B=$(B) python3 tests/lib/run_e2e.py
wire: deps-test $(B)/holdfast
	@B=$(B) python3 tests/lib/run_wire.py

# The lease, searched exhaustively; what must not be left out, left out (tests/model/run.py).
.PHONY: deps-model model
model: deps-model
	@python3 tests/model/run.py full

demo:
	@tests/demo/demo.sh
demo-cluster:
	@tests/demo/cluster.sh
demo-cluster-script:
	@tests/demo/cluster.sh --script
.PHONY: demo-cluster demo-cluster-script
demo-script:
	@tests/demo/demo.sh --script

# tests/lib/tls_scan.py says what of it is explained, and how.
.PHONY: tls-scan
tls-scan: $(B)/holdfast
	@tests/lib/deps.sh scan
	@B=$(B) python3 tests/lib/tls_scan.py

# SOAK_S= seconds, 600 without; SOAK_SEED= repeats a schedule. tests/soak/soak.py says what is checked.
soak: $(B)/holdfast
	@B=$(B) python3 tests/soak/soak.py

# CHAOS_S= seconds, 300 without; CHAOS_SEED= repeats a schedule. tests/chaos/chaos.py says what is done and checked.
chaos: $(B)/holdfast
	@B=$(B) python3 tests/chaos/chaos.py

unit-bin: $(addprefix $(B)/tests/,$(UNIT))
unit-names:
	@echo $(UNIT)

define fuzz_test
$(B)/tests/fuzz/fuzz_$(1): $(B)/tests/fuzz/fuzz_$(1).o $$(call objects,$$(FUZZ_$(1))) $$(if $$(findstring proxy/http/parse.c,$$(FUZZ_$(1))),$$(LLHTTP_OBJ))
	$$(CC) $$(CFLAGS) $$(LDFLAGS) -fsanitize=fuzzer -o $$@ $$^ $$(LDLIBS)
endef
$(foreach t,$(FUZZ),$(eval $(call fuzz_test,$(t))))
$(B)/tests/fuzz/fuzz_exchange $(B)/tests/fuzz/fuzz_h2 $(B)/tests/fuzz/fuzz_h2_member: LDFLAGS += $(WRAP_GATE)
# The network itself is not what is explored.
$(B)/tests/gate/%.o: CFLAGS += $(if $(findstring fuzzer,$(SAN)),-fno-sanitize=fuzzer-no-link)
# Fixtures are shared with the unit tests of the same room.
$(B)/tests/fuzz/%.o $(B)/tests/relay/%.o $(B)/tests/gate/%.o: CPPFLAGS += -Itests

fuzz: deps-test
	@tests/fuzz/run.sh $(FUZZ_SECONDS)
fuzz-names:
	@echo $(FUZZ)

$(B)/tests/bench/load: $(B)/tests/bench/body.o $(B)/tests/bench/load_tls.o
$(B)/tests/bench/origin: $(B)/tests/bench/body.o
$(BENCH_BIN): %: %.o
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(if $(filter %/load,$@),-lssl -lcrypto)
$(B)/tests/bench/choose: $(B)/tests/bench/choose.o $(call objects,$(LINK_choose))
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
bench-bin: $(BENCH_BIN) $(B)/tests/bench/choose

# What the end-to-end tests make fail: system calls by a library before the C library's, allocations
# by a Holdfast of its own.
FAULTS_BIN = $(B)/tests/faults/shim.so $(B)/tests/faults/holdfast
$(B)/tests/faults/shim.so: tests/faults/shim.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(WARN) -std=c17 -O2 -g -fPIC -shared -o $@ $< -ldl
$(B)/tests/faults/%.o: CPPFLAGS += -Itests
$(B)/tests/faults/holdfast: LDFLAGS += $(WRAP_ALLOC)
$(B)/tests/faults/holdfast: $(B)/tests/faults/alloc_run.o $(B)/tests/gate/alloc.o $(call objects,$(PROXY)) $(LLHTTP_OBJ) $(B)/libhashring.a
	$(CC) $(CFLAGS) $(NO_LTO) $(LDFLAGS) -o $@ $^ $(LDLIBS)
faults-bin: $(FAULTS_BIN)

# The kernel's TLS: another kernel, in an emulator.
ktls:
	@tests/lib/deps.sh ktls
	@$(MAKE) --no-print-directory -j2 all bench-bin
	@tests/ktls/run.sh $(B)

# BENCH_ARGS="--quick": about a minute; tests/bench/bench.py --help has the rest.
bench: deps-bench
	@$(MAKE) --no-print-directory -j2 all bench-bin
	@python3 tests/bench/bench.py --build $(B) $(BENCH_ARGS)

lint: deps-lint
	@CPPFLAGS="$(CPPFLAGS)" tests/lib/lint.sh
coverage: deps-test
	@python3 tests/lib/coverage.py
format: deps-lint
	@tests/lib/lint.sh --fix

-include $(shell find $(B) -name '*.d' 2>/dev/null)
