"""What stands below the applications and the project: servers, disks, logs, addresses. It imports none of them."""
