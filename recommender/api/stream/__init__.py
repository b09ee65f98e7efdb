"""Events in the form of Segment and RudderStack, as a stream of messages of many types."""
