// Package attacks plays what a stranger might try against the running program: the tests start real instances on real
// stores, and act as clients, members, thieves and noise. docs/attacks.md says how, docs/authorization.md is the table of
// who may do what that is played here.
package attacks
