package pubsub

// LoneFor is for how long what Redis says of other listeners is good.
const LoneFor = loneFor

// Arrivals is how many announcements of others the bus has heard on a channel that it is subscribed to.
func (b *Bus) Arrivals(channel string) uint64 { return b.lones.find(channel).heard() }
