package people

import (
	"fmt"
	"hash/fnv"
	"net/http"
)

// Forwarded is what a proxy would say of where a request came from. A mall that trusts the simulator (its address is one of
// http.trusted_proxies) then sees as many addresses as there are people, and holds each to its limits.
const Forwarded = "X-Forwarded-For"

// Address is the address of whoever the text names, always the same one: of a private network that is large enough that
// few people share one.
func Address(of string) string {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(of))
	n := sum.Sum32()
	return fmt.Sprintf("10.%d.%d.%d", byte(n>>16), byte(n>>8), byte(n))
}

// From says in a request's header where it comes from.
func From(h http.Header, address string) { h.Set(Forwarded, address) }
